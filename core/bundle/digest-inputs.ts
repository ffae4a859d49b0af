import { stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { mapInBatches } from '@firstlight/files';
import type { Bundle } from '#core/runtime/bundle.ts';
import { digestFile, sha256 } from '#core/store/digest.ts';
import { readRegularFile } from '../store/read-regular-file.ts';
import { undefinedIfMissing } from '../store/write-atomic.ts';

interface KnownInput {
  readonly stamp: string;
  readonly sha256: string;
  readonly bytes: number;
  /** The text of one of the project's own sources, for the checks of them. */
  readonly text?: string;
}

/** Digests by path, with the size and time of each file: an unchanged one is not read again. */
export type KnownDigests = Map<string, KnownInput>;

/** Digests of the inputs, with their newest time stamp. */
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
      digest = { stamp, ...(isOwnSource(path) ? await readOwn(absolute, stats.size) : await digestFile(absolute)) };
      known.set(path, digest);
    }
    return { path: relative(projectDir, absolute).split(sep).join('/'), sha256: digest.sha256, bytes: digest.bytes };
  });
  return { files, newestMs };
}

const isOwnSource = (path: string) => /\.[cm]?[jt]sx?$/.test(path) && !path.includes('node_modules/');
/** A generated source of megabytes is read again where its text is needed. */
const maxKeptBytes = 1 << 20;

async function readOwn(path: string, size: bigint): Promise<Omit<KnownInput, 'stamp'>> {
  const content = size > maxKeptBytes ? undefined : await readRegularFile(path, maxKeptBytes);
  if (content === undefined) return await digestFile(path);
  return { sha256: sha256(content), bytes: content.length, text: content.toString() };
}
