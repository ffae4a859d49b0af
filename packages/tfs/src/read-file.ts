import type { Disk } from '@firstlight/files';
import type { FileExtents } from './read-extents.ts';

/** A stretch of a file, in order and without gaps. Units: bytes; `diskStart` null for zeros. */
export interface Segment {
  readonly fileStart: number;
  readonly bytes: number;
  readonly diskStart: number | null;
}

/** The part of a file that is in memory at a time. */
export const chunkBytes = 256 * 1024;

/** A file from its first byte to its last: data and holes in turn. */
export function* segmentsOf({ bytes, extents }: FileExtents): Generator<Segment> {
  let at = 0;
  for (const extent of extents) {
    if (extent.fileStart >= bytes) break;
    if (extent.fileStart > at) yield { fileStart: at, bytes: extent.fileStart - at, diskStart: null };
    const length = Math.min(extent.bytes, bytes - extent.fileStart);
    yield { fileStart: extent.fileStart, bytes: length, diskStart: extent.isBlank ? null : extent.diskStart };
    at = extent.fileStart + length;
  }
  if (at < bytes) yield { fileStart: at, bytes: bytes - at, diskStart: null };
}

/** The first `limit` bytes of a file, a chunk at a time. Errors: `damaged`, STORE_UNUSABLE. */
export async function* readFileBytes(
  disk: Disk,
  file: FileExtents,
  limit = Number.POSITIVE_INFINITY,
): AsyncGenerator<Uint8Array> {
  const zeros = new Uint8Array(chunkBytes);
  for (const { fileStart, bytes, diskStart } of segmentsOf(file)) {
    for (let at = 0; at < bytes && fileStart + at < limit; at += chunkBytes) {
      const length = Math.min(chunkBytes, bytes - at, limit - fileStart - at);
      yield diskStart === null ? zeros.subarray(0, length) : await disk.read(diskStart + at, length);
    }
  }
}
