/** Checks a project before it is bundled. Each failure is an error that names the remedy. */
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Metafile } from 'esbuild';
import { resolveInside } from '#core/config/project-paths.ts';
import { requestOfEvent } from '#core/runtime/function/request-of-event.ts';
import { FirstlightError, type Problem } from '#shared/errors.ts';
import { configFileName, type Project, type ProjectConfig } from '#shared/model/project.ts';
import { checkRegularFile, readRegularFile } from '../store/read-regular-file.ts';
import { undefinedIfMissing } from '../store/write-atomic.ts';

/** More than any configuration has. */
const maxConfigBytes = 1 << 20;

/** The configuration of a project that can be built. Errors: PROJECT_INVALID. */
export function validConfig(project: Project): ProjectConfig {
  if (project.config !== null) return project.config;
  const errors = project.problems.filter((problem) => problem.severity === 'error');
  const first = errors[0];
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  throw new FirstlightError('PROJECT_INVALID', `${first?.message ?? 'firstlight.json is not valid.'}${more}`, {
    details: { problems: project.problems, subject: project.dir },
    hint: 'Correct firstlight.json; `firstlight new` makes a project with a valid one.',
  });
}

/** Errors: ENTRY_MISSING; PATH_ESCAPES when it lies outside the project. */
export async function checkEntry(project: Project, config: ProjectConfig): Promise<void> {
  const found = await stat(await resolveInside(project.dir, config.entry)).catch(undefinedIfMissing);
  if (found?.isFile()) return;
  const message = `The entry "${config.entry}" does not exist.`;
  const inConfig = await placeOfEntry(project.dir);
  throw new FirstlightError('ENTRY_MISSING', `${message.slice(0, -1)} in ${project.dir}.`, {
    details: { problems: [{ severity: 'error', message, ...inConfig }], subject: config.entry },
    hint: `Create ${config.entry} with a default export, or name another file as "entry" in firstlight.json.`,
  });
}

/** Files that the compiler looks for in a project's folder and those above it, and would wait for, were they pipes. */
const compilerFiles = ['package.json', 'tsconfig.json', 'jsconfig.json'];

/** The paths at which the compiler looks for these files. */
export function compilerFilesOf(dir: string): string[] {
  const dirs = [dir];
  for (let at = dir; at !== dirname(at); at = dirname(at)) dirs.push(dirname(at));
  return dirs.flatMap((at) => compilerFiles.map((name) => join(at, name)));
}

/** Errors: BAD_INPUT when a file that the compiler reads by itself is not a regular file. */
export async function checkCompilerFiles(dir: string): Promise<void> {
  await Promise.all(compilerFilesOf(dir).map(checkRegularFile));
}

/** The place where firstlight.json names the entry, when it does. */
async function placeOfEntry(dir: string): Promise<Partial<Problem>> {
  const file = configFileName;
  const lines = (await readRegularFile(join(dir, file), maxConfigBytes))?.toString('utf8').split('\n') ?? [];
  const index = lines.findIndex((line) => /"entry"\s*:/.test(line));
  const lineText = lines[index];
  return lineText === undefined ? { file } : { file, line: index + 1, column: lineText.indexOf('"') + 1, lineText };
}

/** Errors: EXPORT_MISSING when no function to call is named. */
export function checkExport(config: ProjectConfig, metafile: Metafile): void {
  const output = Object.values(metafile.outputs).find((candidate) => candidate.entryPoint !== undefined);
  if (output?.exports.includes('default')) return;
  const named = output?.exports ?? [];
  const message = `${config.entry} has no default export: nothing says which function to call.`;
  throw new FirstlightError('EXPORT_MISSING', message, {
    details: {
      problems: [{ severity: 'error', message, file: config.entry, line: 1, column: 1 }],
      subject: config.entry,
    },
    hint: hintFor(named),
  });
}

/** What other frameworks call by name, with a Request. */
const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'fetch', 'onRequest'];

function hintFor(named: readonly string[]): string {
  if (named.includes('handler')) return 'Say which one it is: `export default handler;`.';
  const method = methods.find((name) => named.includes(name));
  if (method === undefined) return 'Write `export default function handler(event) { … }`.';
  return `Export a function that calls it: \`export default (event) => ${method}(${requestOfEvent});\`.`;
}

/** The error for code that did not compile. */
export function buildFailed(config: ProjectConfig, problems: readonly Problem[]): FirstlightError {
  const errors = problems.filter((problem) => problem.severity === 'error');
  const first = errors[0];
  const place = first?.file === undefined ? '' : `${first.file}:${first.line}:${first.column}: `;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  return new FirstlightError('BUILD_FAILED', `${place}${first?.message ?? 'The function did not compile.'}${more}`, {
    details: { problems, subject: config.entry },
    hint: `Correct the source and build again.`,
  });
}
