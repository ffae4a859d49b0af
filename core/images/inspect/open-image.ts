import { hasPartitions, openDisk, type Partition, readPartitions, refuseForeignContent } from '@firstlight/disk';
import type { Disk } from '@firstlight/files';
import type { Span } from '@firstlight/tfs';
import { magic, readVolume, sectorBytes, type Volume } from '@firstlight/tfs';
import { withFormatErrors } from '#core/store/from-format-error.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { ImagePartition } from '#shared/model/image-tree.ts';

/** An image that is open for looking into. */
export interface OpenImage {
  readonly disk: Disk;
  readonly fileBytes: number;
  readonly allocatedBytes: number;
  /** Empty for a file system that is the whole disk, as for a kernel. */
  readonly partitions: readonly Partition[];
  /** An image that is its own kernel. */
  readonly isElf: boolean;
  /** True when there is such a file system. */
  readonly has: (partition: ImagePartition) => boolean;
  /** Errors: IMAGE_INVALID, NOT_FOUND when the image has no such partition. */
  readonly volume: (partition: ImagePartition) => Promise<Volume>;
}

const elfMagic = '\x7fELF';

/** Opens an image file, does `work` with it, and closes it. Errors: as `openDisk`, `readPartitions` and `work`. */
export async function withImage<Result>(path: string, work: (image: OpenImage) => Promise<Result>): Promise<Result> {
  return withFormatErrors(async () => {
    const { disk, fileBytes, allocatedBytes } = await openDisk(path);
    try {
      await refuseForeignContent(disk, { start: 0, bytes: disk.bytes });
      const first = await disk.read(0, Math.min(sectorBytes, disk.bytes));
      return await work({ ...describeSpans(disk, first), disk, fileBytes, allocatedBytes });
    } finally {
      await disk.close();
    }
  });
}

/** The content of a disk's first sector. Errors: as `readPartitions`. */
export function describeSpans(
  disk: Disk,
  first: Uint8Array,
): Pick<OpenImage, 'partitions' | 'isElf' | 'has' | 'volume'> {
  const begins = (text: string) => Buffer.from(first.subarray(0, text.length)).toString('latin1') === text;
  const isElf = begins(elfMagic);
  const isBare = begins(magic);
  const partitions = !isElf && !isBare && hasPartitions(first) ? readPartitions(disk, first) : [];

  function spanOf(partition: ImagePartition): Span | null {
    if (isElf) return null;
    // Any other disk without a table is taken for a file system, and that reader reports the error.
    if (partitions.length === 0) return partition === 'root' ? { start: 0, bytes: disk.bytes } : null;
    const found = partitions.find(({ kind }) => kind === partition);
    return found === undefined ? null : { start: found.start, bytes: found.bytes };
  }

  return {
    partitions,
    isElf,
    has: (partition) => spanOf(partition) !== null,
    volume: async (partition) => {
      const span = spanOf(partition);
      for (const part of span === null ? partitions : [span]) await refuseForeignContent(disk, part);
      if (span === null) throw noFileSystem(disk.path, partition, isElf);
      return readVolume(disk, span);
    },
  };
}

function noFileSystem(path: string, partition: ImagePartition, isElf: boolean): FirstlightError {
  const details = { subject: path };
  if (isElf) {
    return new FirstlightError('BAD_INPUT', `${path} has no file system: it is a kernel with its function inside.`, {
      hint: '`firstlight image info` shows its parts.',
      details,
    });
  }
  return new FirstlightError('NOT_FOUND', `${path} has no ${partition} partition.`, {
    hint: partition === 'boot' ? 'Leave --partition out to see its root file system.' : undefined,
    details,
  });
}
