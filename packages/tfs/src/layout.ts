/** The layout of our volumes. Units: blocks are sectors of 512 bytes, counted from the volume's start. */
import { z } from 'zod';
import { logExtensionBytes, sectorBytes } from './format.ts';

/**
 * The alignment to clusters of a qcow2 file: an image that is derived from another replaces whole clusters, without
 * reading their content. The first sector has the first cluster to itself, the log the next eight.
 */
export const clusterBytes = 64 * 1024;
const clusterBlocks = clusterBytes / sectorBytes;

export const logExtensionBlocks = logExtensionBytes / sectorBytes;
/** The log's first extension. */
export const logStartBlock = clusterBlocks;
/** The first block of the files' data. */
export const dataStartBlock = logStartBlock + logExtensionBlocks;

/** Pages of the guest: a file's last extent is rounded up, so that a file that grows a little stays in place. */
export const pageBlocks = 4096 / sectorBytes;
/** The kernel's own limit of an extent (32 MiB). Source: `MAX_EXTENT_SIZE` in `src/fs/tfs.h`. */
export const maxExtentBlocks = (32 * 1024 * 1024) / sectorBytes;

/** Volumes and disks are whole multiples of this. */
export const sizeStepBytes = 1024 * 1024;
/**
 * The default free space for a guest's writes; it is a hole and takes no room. Before its first write the kernel
 * reserves two log extensions, so that a volume with less than 1 MiB is practically full.
 */
export const defaultFreeBytes = 16 * 1024 * 1024;

const block = z.number().int().nonnegative();

/** A run of a file's blocks: first block in the file, number of blocks, first block in the volume, reserved blocks. */
const extentSchema = z.tuple([block, block, block, block]);
export type Extent = z.output<typeof extentSchema>;

/** A regular file in a volume. Units: `bytes`. Shape: bytes outside all extents read as zeros. */
const placedFileSchema = z.object({ bytes: z.number().int().nonnegative(), extents: z.array(extentSchema) });
export type PlacedFile = z.output<typeof placedFileSchema>;

/** The layout of a volume. Shape: plain JSON; `files` by guest path. */
export const volumeLayoutSchema = z.object({
  bytes: z.number().int().positive(),
  /** The first block of the unwritten rest of the volume. */
  nextFreeBlock: block,
  files: z.record(z.string(), placedFileSchema),
});
export type VolumeLayout = z.output<typeof volumeLayoutSchema>;

export const roundUp = (value: number, step: number): number => Math.ceil(value / step) * step;
/** The next block at which a cluster may start. */
export const alignToCluster = (at: number): number => roundUp(at, clusterBlocks);
