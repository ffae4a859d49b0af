import { readFile, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { goneAsUndefined } from '../store/write-atomic.ts';
import type { Bundle } from './bundle.ts';
import { sha256 } from './bundle-cache.ts';

/** Digests by path, with what tells that a file is still the same: a warm project need not read its dependencies again. */
export type KnownDigests = Map<string, { stamp: string; sha256: string; bytes: number }>;

/** Digests of what went in, with the newest time stamp among them. */
export async function digestInputs(
  projectDir: string,
  paths: readonly string[],
  known: KnownDigests,
): Promise<{ files: Bundle['inputs']; newestMs: number }> {
  let newestMs = 0;
  const files = await Promise.all(
    [...paths].sort().map(async (path) => {
      const absolute = join(projectDir, path);
      const stats = await stat(absolute, { bigint: true }).catch(goneAsUndefined);
      // Not a file on disk (a data: URL), or gone since.
      if (stats === undefined) return { path, sha256: '', bytes: 0 };
      newestMs = Math.max(newestMs, Number(stats.mtimeMs));
      const stamp = `${stats.ino} ${stats.size} ${stats.mtimeNs}`;
      let digest = known.get(path);
      if (digest?.stamp !== stamp) {
        const content = await readFile(absolute);
        digest = { stamp, sha256: sha256(content), bytes: content.length };
        known.set(path, digest);
      }
      return { path: relative(projectDir, absolute).split(sep).join('/'), sha256: digest.sha256, bytes: digest.bytes };
    }),
  );
  return { files, newestMs };
}
