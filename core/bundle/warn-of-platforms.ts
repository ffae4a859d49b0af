/** Warns of handlers and answers in the form of another platform: they run, and what they say is lost or misread. */
import { resolve } from 'node:path';
import type { Metafile } from 'esbuild';
import { requestOfEvent } from '#core/runtime/function/request-of-event.ts';
import type { Problem } from '#shared/errors.ts';
import type { ProjectConfig } from '#shared/model/project.ts';

interface Form {
  /** Shape: its first group is the place to show. `HANDLER` stands for the handler's first or second parameter. */
  readonly pattern: RegExp;
  readonly message: string;
}

const inAnswer = (member: string) =>
  new RegExp(`(?:\\breturn\\b|=>)\\s*\\(?\\s*\\{[^{}]{0,300}?\\b(${member})\\s*[:,}]`, 'd');

const lambdaAnswer: Form = {
  pattern: inAnswer('statusCode'),
  message:
    'An object with `statusCode` is sent as JSON, with status 200. Write `status` instead, or set "convention": "lambda" in firstlight.json ' +
    'to have the handler called, and its answers taken, as on AWS Lambda.',
};

/** Forms of answers that may stand in any file of a project. */
const answers: readonly Form[] = [
  {
    pattern: inAnswer('jsonBody'),
    message: '`jsonBody` is of Azure Functions and is not read here: the answer has no body. Write `body` instead.',
  },
  {
    pattern: /\b(context\.res)\s*=(?!=)/d,
    message: '`context.res` is of Azure Functions and is not read here. Return the answer: { status, headers, body }.',
  },
];

const remedy = 'Return the answer: { status, headers, body }.';

/** What a handler does with its parameters, by the parameter. */
const uses: readonly { readonly of: 'first' | 'second'; readonly members: string; readonly message: string }[] = [
  {
    of: 'second',
    members: '(?:status|send|sendStatus|json|end|write|writeHead|setHeader|redirect)\\(',
    message: `The second parameter is the context, not a response to write to, as it is in Express, Next.js, Vercel and Google Cloud. ${remedy}`,
  },
  {
    of: 'first',
    members: '(?:json|text|formData|arrayBuffer|blob|clone)\\(\\)|(?:headers|cookies)\\.get\\(|nextUrl\\b',
    message:
      'The first parameter is the event, an object, and not a Request: it has method, path, query, headers and body. ' +
      `A Request of it is \`${requestOfEvent}\`.`,
  },
];

const params = '\\(?\\s*([A-Za-z_$][\\w$]*)\\s*(?::[^,()=]*)?(?:,\\s*([A-Za-z_$][\\w$]*))?';
/** The parameters of a default export, written in place or by its name. */
const inPlace = new RegExp(`\\bexport\\s+default\\s+(?:async\\s+)?(?:function\\b\\s*[\\w$]*\\s*)?${params}`);
const byName = /\bexport\s+(?:default\s+([A-Za-z_$][\w$]*)\s*(?:;|$)|\{[^}]*?\b([A-Za-z_$][\w$]*)\s+as\s+default\b)/m;

/** Warnings for the project's own files. */
export async function warnOfPlatforms(
  projectDir: string,
  { entry, convention }: ProjectConfig,
  { inputs }: Pick<Metafile, 'inputs'>,
  readText: (path: string) => Promise<string | undefined>,
): Promise<Problem[]> {
  if (convention === 'lambda') return [];
  const problems: Problem[] = [];
  for (const path of Object.keys(inputs)) {
    if (path.includes('node_modules/') || !/\.[cm]?[jt]sx?$/.test(path)) continue;
    const text = await readText(path);
    if (text === undefined) continue;
    const isEntry = resolve(projectDir, path) === resolve(projectDir, entry);
    for (const { pattern, message } of [lambdaAnswer, ...answers, ...(isEntry ? formsOfHandler(text) : [])]) {
      const at = pattern.exec(text)?.indices?.[1]?.[0];
      if (at !== undefined) problems.push({ severity: 'warning', message, file: path, ...placeOf(text, at) });
    }
  }
  return problems;
}

/** What to look for in the entry, by the names of its handler's parameters. */
function formsOfHandler(text: string): Form[] {
  const [, first, second] = paramsOf(text) ?? [];
  return uses.flatMap(({ of, members, message }) => {
    const name = of === 'first' ? first : second;
    if (name === undefined) return [];
    return [{ pattern: new RegExp(`(?<![\\w$.])(${name.replaceAll('$', '\\$')})\\.(?:${members})`, 'd'), message }];
  });
}

function paramsOf(text: string): RegExpExecArray | null {
  const named = byName.exec(text);
  const name = named?.[1] ?? named?.[2];
  if (name === undefined || name === 'function' || name === 'async') return inPlace.exec(text);
  const escaped = name.replaceAll('$', '\\$');
  return new RegExp(
    `\\b(?:function\\s+${escaped}\\s*|(?:const|let|var)\\s+${escaped}\\s*(?::[^=]*)?=\\s*(?:async\\s*)?(?:function\\b\\s*[\\w$]*\\s*)?)${params}`,
  ).exec(text);
}

function placeOf(text: string, at: number): Pick<Problem, 'line' | 'column' | 'lineText'> {
  const before = text.slice(0, at).split('\n');
  const line = before.length;
  return { line, column: (before.at(-1)?.length ?? 0) + 1, lineText: text.split('\n')[line - 1] ?? '' };
}
