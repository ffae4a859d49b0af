/** Where in a volume of ours things lie. Units: blocks are sectors of 512 bytes, counted from the volume's start. */
import { z } from 'zod';
import { logExtensionBytes, sectorBytes } from './format.ts';

/**
 * What starts here is a cluster of a qcow2 file: an image that is made from another replaces whole clusters, without
 * reading what was in them. The first sector has the first cluster for itself, the log the next eight.
 */
export const clusterBytes = 64 * 1024;
const clusterBlocks = clusterBytes / sectorBytes;

export const logExtensionBlocks = logExtensionBytes / sectorBytes;
/** The log's first extension. */
export const logStartBlock = clusterBlocks;
/** The first block of the files' data. */
export const dataStartBlock = logStartBlock + logExtensionBlocks;

/** Pages of the guest: what a file's last extent is rounded up to, so that a file that grows a little stays in one place. */
export const pageBlocks = 4096 / sectorBytes;
/** No extent is larger than the kernel makes them itself (32 MiB). Source: `MAX_EXTENT_SIZE` in `src/fs/tfs.h`. */
export const maxExtentBlocks = (32 * 1024 * 1024) / sectorBytes;

/** Volumes and disks are whole multiples of this. */
export const sizeStepBytes = 1024 * 1024;
/**
 * What a guest can write where nobody said otherwise; as a hole, it costs nothing. Before its first write the kernel sets
 * aside two log extensions, so that a volume with less than 1 MiB is as good as full.
 */
export const defaultFreeBytes = 16 * 1024 * 1024;

const block = z.number().int().nonnegative();

/** A run of a file's blocks: first block in the file, number of blocks, first block in the volume, blocks set aside. */
const extentSchema = z.tuple([block, block, block, block]);
export type Extent = z.output<typeof extentSchema>;

/** A regular file in a volume. Units: `bytes`. Shape: what lies in no extent reads as zeros. */
const placedFileSchema = z.object({ bytes: z.number().int().nonnegative(), extents: z.array(extentSchema) });
export type PlacedFile = z.output<typeof placedFileSchema>;

/** What is where in a volume. Shape: plain JSON; `files` by guest path. */
export const volumeLayoutSchema = z.object({
  bytes: z.number().int().positive(),
  /** From here on to the volume's end nothing was written. */
  nextFreeBlock: block,
  files: z.record(z.string(), placedFileSchema),
});
export type VolumeLayout = z.output<typeof volumeLayoutSchema>;

export const roundUp = (value: number, step: number): number => Math.ceil(value / step) * step;
/** Where a thing of its own cluster may start. */
export const alignToCluster = (at: number): number => roundUp(at, clusterBlocks);
