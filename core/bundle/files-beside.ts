/**
 * Files that a function's own code opens beside itself, where the code names them; and the entry to add where it does
 * not.
 */
import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { join as joinGuest } from 'node:path/posix';
import type { Metafile } from 'esbuild';
import type { BundleFile } from '#core/runtime/bundle.ts';
import type { Problem } from '#shared/errors.ts';
import { undefinedIfMissing } from '../store/write-atomic.ts';
import { addFolder } from './packages-beside.ts';
import { readSource } from './read-source.ts';

const text = `(['"\`])((?:(?!\\1)[^\\\\\\n$])+)\\1`;
const here =
  '(?:__dirname|import\\.meta\\.dirname|(?:path\\.)?dirname\\(\\s*(?:url\\.)?fileURLToPath\\(\\s*import\\.meta\\.url\\s*\\)\\s*\\))';
/** `new URL('x', import.meta.url)`, `join(__dirname, 'a', 'b')`, `__dirname + '/x'`, `${__dirname}/x`, `require.resolve('./x')`. */
const byUrl = new RegExp(`new URL\\(\\s*${text}\\s*,\\s*import\\.meta\\.url\\s*\\)`, 'g');
const byJoin = new RegExp(
  `(?:join|resolve)\\(\\s*${here}((?:\\s*,\\s*(['"\`])(?:(?!\\2)[^\\\\\\n$])+\\2)+)\\s*,?\\s*\\)`,
  'g',
);
const bySum = new RegExp(`${here}\\s*\\+\\s*${text}`, 'g');
const byTemplate = /\$\{(?:__dirname|import\.meta\.dirname)\}([^`$]+)`/g;
const byResolve = /(?:require|import\.meta)\.resolve\(\s*(['"`])(\.[^'"`$]+)\1\s*\)/g;
const any = /__dirname|import\.meta\.(?:url|dirname)/;

const isCode = /\.[cm]?[jt]sx?$/;
const startsWorkers = /\bnew\s+(?:\w+\.)?Worker\b/;

interface Found {
  readonly files: readonly BundleFile[];
  /** The paths in the guest of files that are started as workers. */
  readonly scripts: ReadonlySet<string>;
  readonly warnings: readonly Problem[];
}

/**
 * The files that the project's own code in a bundle opens. In the guest all code lies in `/firstlight/bundle.*`: a file
 * that `lib/a.ts` opens as `./b` is `/firstlight/b` there.
 */
export async function filesBeside(projectDir: string, { inputs }: Pick<Metafile, 'inputs'>): Promise<Found> {
  const files = new Map<string, BundleFile>();
  const scripts = new Set<string>();
  const warnings: Problem[] = [];
  for (const path of Object.keys(inputs)) {
    if (path.includes('node_modules/') || !isCode.test(path)) continue;
    const code = await readSource(resolve(projectDir, path));
    if (code === undefined || !(any.test(code) || byResolve.test(code))) continue;
    const named = namedIn(code);
    for (const name of named) {
      const host = join(dirname(resolve(projectDir, path)), name);
      if (!host.startsWith(`${projectDir}/`)) continue;
      const guest = joinGuest('/firstlight', name);
      const stats = await stat(host).catch(undefinedIfMissing);
      if (stats === undefined || !(stats.isFile() || stats.isDirectory())) continue;
      const other = files.get(guest);
      if (other !== undefined && other.host !== host) {
        const message = `${other.host} and ${host} would be one file in the guest, ${guest}: a bundle is one file, and opens what lies beside it. Give one another name.`;
        warnings.push({ severity: 'warning', message, file: path });
      }
      if (stats.isDirectory()) await addFolder(host, guest.replace(/\/$/, ''), files);
      else files.set(guest, { guest, host });
      if (stats.isFile() && isCode.test(name) && startsWorkers.test(code)) scripts.add(guest);
    }
    if (named.length === 0 && opens(code)) warnings.push(notSeen(path, code));
  }
  return { files: [...files.values()], scripts, warnings };
}

function namedIn(code: string): string[] {
  const parts = (list: string) => [...list.matchAll(/(['"`])((?:(?!\1).)+)\1/g)].map((part) => part[2] ?? '').join('/');
  return [
    ...[...code.matchAll(byUrl)].map((match) => match[2] ?? ''),
    ...[...code.matchAll(byJoin)].map((match) => parts(match[1] ?? '')),
    ...[...code.matchAll(bySum)].map((match) => `.${match[2]}`),
    ...[...code.matchAll(byTemplate)].map((match) => `.${match[1]}`),
    ...[...code.matchAll(byResolve)].map((match) => match[2] ?? ''),
  ].filter((name) => !/^(?:[a-z][a-z+.-]*:|\/)/i.test(name));
}

const opens = (code: string) =>
  /\b(?:readFile|readFileSync|createReadStream|readdir|readdirSync|new Worker|open|openSync)\b/.test(code);

function notSeen(path: string, code: string): Problem {
  const lines = code.split('\n');
  const line = lines.findIndex((words) => any.test(words));
  const lineText = lines[line] ?? '';
  return {
    severity: 'warning',
    message:
      'What this opens beside itself does not stand in the code, so it is not taken along. Name it in firstlight.json: ' +
      '"files": { "/firstlight/NAME": "PATH" }.',
    file: path,
    line: line + 1,
    column: lineText.search(any) + 1,
    lineText,
  };
}
