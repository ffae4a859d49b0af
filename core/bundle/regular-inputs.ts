/** Keeps the compiler from waiting for a pipe, and from reading a device without end. */
import type { Dirent, Stats } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Plugin } from 'esbuild';

/** More than any source has; a bundle with it would not fit into a guest. */
const maxInputBytes = 64 << 20;

/** Refuses modules that are not regular files of bounded size. */
export const regularInputs: Plugin = {
  name: 'firstlight-regular-inputs',
  setup: (build) =>
    build.onLoad({ filter: /./, namespace: 'file' }, async ({ path }) => {
      // Some files of the kernel look regular and have no end.
      const problem = /^\/(?:dev|proc|sys)\//.test(path)
        ? 'is a device or a file of the kernel'
        : problemOf(await stat(path).catch(() => undefined));
      return problem === undefined ? undefined : { errors: [{ text: `${path} ${problem}: it cannot be imported.` }] };
    }),
};

function problemOf(found: Stats | undefined): string | undefined {
  if (found?.isFile()) return found.size > maxInputBytes ? `has more than ${maxInputBytes} bytes` : undefined;
  return found && isEndless(found) ? `is a ${kindOf(found)}` : undefined;
}

/** More folders than a project and its packages have: a link may lead anywhere. */
const maxDirs = 50_000;

const isEndless = (file: Stats | Dirent) => file.isFIFO() || file.isCharacterDevice() || file.isBlockDevice();
const kindOf = (file: Stats) => (file.isFIFO() ? 'pipe' : 'device');

/**
 * What a compiler waits for that reads the configuration of packages and of TypeScript by itself: a JSON file of the
 * project, or of its packages, that is a pipe or a device. Undefined when there is none.
 *
 * Shape: words for an error, `/path is a pipe`.
 */
export async function findEndlessConfig(projectDir: string, signal: AbortSignal): Promise<string | undefined> {
  const dirs = [projectDir];
  for (let at = projectDir; at !== dirname(at); at = dirname(at)) dirs.push(join(dirname(at), 'node_modules'));
  const seen = new Set<string>();
  for (let dir = dirs.pop(); dir !== undefined && seen.size < maxDirs && !signal.aborted; dir = dirs.pop()) {
    const real = await realpath(dir).catch(() => dir);
    if (seen.has(real)) continue;
    seen.add(real);
    for (const entry of await readdir(real, { withFileTypes: true }).catch(() => [])) {
      const path = join(real, entry.name);
      if (entry.isDirectory() && entry.name !== '.git') dirs.push(path);
      if (!entry.isSymbolicLink() && !(isEndless(entry) && entry.name.endsWith('.json'))) continue;
      const found = await stat(path).catch(() => undefined);
      if (found?.isDirectory()) dirs.push(path);
      else if (found && isEndless(found) && entry.name.endsWith('.json')) return `${path} is a ${kindOf(found)}`;
    }
  }
  return undefined;
}
