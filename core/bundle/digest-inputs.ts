import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { mapInBatches } from '@firstlight/files';
import type { Bundle } from '#core/runtime/bundle.ts';
import { undefinedIfMissing } from '../store/write-atomic.ts';
import { sha256 } from './bundle-cache.ts';

/** Digests by path, with what tells that a file is still the same: a warm project need not read its dependencies again. */
export type KnownDigests = Map<string, { stamp: string; sha256: string; bytes: number }>;

/** Larger files are read piece by piece: what goes into an image may not fit into memory. */
const wholeBytes = 1024 * 1024;

/** Digests of what went in, with the newest time stamp among them. */
export async function digestInputs(
  projectDir: string,
  paths: readonly string[],
  known: KnownDigests,
): Promise<{ files: Bundle['inputs']; newestMs: number }> {
  let newestMs = 0;
  const files = await mapInBatches([...paths].sort(), async (path) => {
    const absolute = join(projectDir, path);
    const stats = await stat(absolute, { bigint: true }).catch(undefinedIfMissing);
    // Not a file on disk (a data: URL), or gone since.
    if (stats === undefined) return { path, sha256: '', bytes: 0 };
    newestMs = Math.max(newestMs, Number(stats.mtimeMs));
    const stamp = `${stats.ino} ${stats.size} ${stats.mtimeNs}`;
    let digest = known.get(path);
    if (digest?.stamp !== stamp) {
      digest = { stamp, ...(await digestOf(absolute, Number(stats.size))) };
      known.set(path, digest);
    }
    return { path: relative(projectDir, absolute).split(sep).join('/'), sha256: digest.sha256, bytes: digest.bytes };
  });
  return { files, newestMs };
}

async function digestOf(path: string, size: number): Promise<{ sha256: string; bytes: number }> {
  if (size < wholeBytes) {
    const content = await readFile(path);
    return { sha256: sha256(content), bytes: content.length };
  }
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: wholeBytes }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { sha256: hash.digest('hex'), bytes };
}
