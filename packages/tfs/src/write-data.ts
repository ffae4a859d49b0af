/** Puts the bytes of files one after another into a volume, and returns their places. */

import type { DiskFile, TreeNode } from '@firstlight/files';
import { sectorBytes } from './format.ts';
import { type Extent, maxExtentBlocks, type PlacedFile, pageBlocks, roundUp } from './layout.ts';
import { type FileSource, openSource } from './open-source.ts';

type FileNode = Extract<TreeNode, { kind: 'file' }>;

export interface DataWriter {
  /** Appends a file. Errors: as `openSource`; the signal's reason; `write-failed`. */
  readonly add: (node: FileNode) => Promise<PlacedFile>;
  /** Writes the rest in memory. Shape: the first block behind all data. */
  readonly end: () => Promise<number>;
  /** Waits for the current write, successful or not. */
  readonly settle: () => Promise<void>;
}

export interface DataOptions {
  readonly signal?: AbortSignal | undefined;
  /** Gets the number of bytes read since its last call. */
  readonly onRead?: ((bytes: number) => void) | undefined;
}

/** One buffer is filled while the other is written: large enough that the calls cost little compared with copying. */
const bufferBytes = 1024 * 1024;
/**
 * Zeros that fill a stretch of this size, at a multiple of it, take no room in the volume: small enough to find the
 * holes of sparse files, large enough that a program's tables of zeros do not break it into pieces.
 */
const stretchBytes = 64 * 1024;
const zeros = Buffer.alloc(stretchBytes);
const pageBytes = pageBlocks * sectorBytes;

/** A writer whose first file starts at `startBlock` of the volume that starts at byte `volumeAt` of the disk. */
export function createDataWriter(
  disk: DiskFile,
  volumeAt: number,
  startBlock: number,
  { signal, onRead }: DataOptions,
): DataWriter {
  let buffer = Buffer.allocUnsafe(bufferBytes);
  let spare = Buffer.allocUnsafe(bufferBytes);
  let filled = 0;
  let bufferBlock = startBlock;
  let underWay: Promise<void> = Promise.resolve();

  async function flush(): Promise<void> {
    if (filled === 0) return;
    const full = buffer.subarray(0, filled);
    const at = volumeAt + bufferBlock * sectorBytes;
    bufferBlock += filled / sectorBytes;
    filled = 0;
    [buffer, spare] = [spare, buffer];
    await underWay;
    underWay = disk.write(full, at);
    // The next wait reports a failure; until then an unhandled rejection must not end the process.
    underWay.catch(() => undefined);
  }

  /** Keeps the nonzero parts of the `bytes` bytes after `filled`, as the file's bytes from `at` on. */
  function keep(extents: Extent[], at: number, bytes: number): void {
    const end = filled + bytes;
    for (let from = filled, fileAt = at; from < end; from += stretchBytes, fileAt += stretchBytes) {
      const stretch = buffer.subarray(from, Math.min(from + stretchBytes, end));
      if (stretch.equals(zeros.subarray(0, stretch.length))) continue;
      if (from !== filled) buffer.copyWithin(filled, from, from + stretch.length);
      const paddedBytes = roundUp(stretch.length, pageBytes);
      buffer.fill(0, filled + stretch.length, filled + paddedBytes);
      extend(
        extents,
        fileAt / sectorBytes,
        Math.ceil(stretch.length / sectorBytes),
        bufferBlock + filled / sectorBytes,
      );
      filled += paddedBytes;
    }
  }

  function checkNotCancelled(): void {
    signal?.throwIfAborted();
  }

  async function copy(source: FileSource): Promise<Extent[]> {
    const extents: Extent[] = [];
    for (let at = 0; at < source.bytes; ) {
      checkNotCancelled();
      const left = source.bytes - at;
      if (bufferBytes - filled < Math.min(left, stretchBytes)) await flush();
      const room = bufferBytes - filled;
      const bytes = left <= room ? left : room - (room % stretchBytes);
      await source.read(buffer.subarray(filled, filled + bytes), at);
      keep(extents, at, bytes);
      at += bytes;
      onRead?.(bytes);
    }
    source.checkUnchanged();
    return extents;
  }

  return {
    add: async (node) => {
      checkNotCancelled();
      const source = openSource(node);
      try {
        return { bytes: source.bytes, extents: await copy(source) };
      } finally {
        source.close();
      }
    },

    end: async () => {
      await flush();
      await underWay;
      return bufferBlock;
    },

    settle: () => underWay.catch(() => undefined),
  };
}

/** Adds a run of blocks to a file's extents: to the last extent if the run continues it and fits. */
function extend(extents: Extent[], fileBlock: number, blocks: number, block: number): void {
  const allocated = roundUp(blocks, pageBlocks);
  const last = extents.at(-1);
  if (last !== undefined && last[0] + last[1] === fileBlock && last[1] + blocks <= maxExtentBlocks) {
    last[1] += blocks;
    last[3] += allocated;
  } else {
    extents.push([fileBlock, blocks, block, allocated]);
  }
}
