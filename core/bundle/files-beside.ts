/**
 * Files that a function's own code opens beside itself, where the code names them or their folder; and the entry to add
 * where it does not.
 */
import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { join as joinGuest } from 'node:path/posix';
import type { Metafile } from 'esbuild';
import type { BundleFile } from '#core/runtime/bundle.ts';
import type { Problem } from '#shared/errors.ts';
import { undefinedIfMissing } from '../store/write-atomic.ts';
import { namesInCode } from './names-in-code.ts';
import { addFolder, findPackage } from './packages-beside.ts';
import { readSource } from './read-source.ts';

const isCode = /\.[cm]?[jt]sx?$/;
const startsWorkers = /\bnew\s+(?:\w+\.)?Worker\b/;

interface Found {
  readonly files: readonly BundleFile[];
  /** The paths in the guest of files that are started as workers. */
  readonly scripts: ReadonlySet<string>;
  /** The folders of packages that are required by `createRequire`. */
  readonly packages: readonly string[];
  readonly warnings: readonly Problem[];
}

/**
 * The files that the project's own code in a bundle opens. In the guest all code lies in `/firstlight/bundle.*`: a file
 * that `lib/a.ts` opens as `./b` is `/firstlight/b` there. The working directory is `/`.
 */
export async function filesBeside(projectDir: string, { inputs }: Pick<Metafile, 'inputs'>): Promise<Found> {
  const files = new Map<string, BundleFile>();
  const scripts = new Set<string>();
  const packages = new Set<string>();
  const warnings: Problem[] = [];
  for (const path of Object.keys(inputs)) {
    if (path.includes('node_modules/') || !isCode.test(path)) continue;
    const code = await readSource(resolve(projectDir, path));
    if (code === undefined) continue;
    const { beside, fromWorkingDir, required, unclearAt } = namesInCode(code);
    const dir = dirname(resolve(projectDir, path));
    const named = [
      ...beside.map((name) => ({ name, host: join(dir, name), guest: joinGuest('/firstlight', name) })),
      ...fromWorkingDir.map((name) => ({ name, host: join(projectDir, name), guest: joinGuest('/', name) })),
    ];
    for (const { name, host, guest } of named) {
      if (!host.startsWith(`${projectDir}/`)) continue;
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
    for (const name of required) {
      const found = findPackage(name, dir);
      if (found?.startsWith(`${projectDir}/`) === true) packages.add(found);
    }
    if (unclearAt !== undefined) warnings.push(notSeen(path, code, unclearAt));
  }
  return { files: [...files.values()], scripts, packages: [...packages], warnings };
}

function notSeen(path: string, code: string, at: number): Problem {
  const start = code.lastIndexOf('\n', at - 1) + 1;
  const end = code.indexOf('\n', at);
  return {
    severity: 'warning',
    message:
      'What this opens beside itself does not stand in the code, so it is not taken along. Name it in firstlight.json: ' +
      '"files": { "/firstlight/NAME": "PATH" }.',
    file: path,
    line: code.slice(0, start).split('\n').length,
    column: at - start + 1,
    lineText: code.slice(start, end === -1 ? undefined : end),
  };
}
