/** Writes images that are derived from another: a small file with the differences from the base. */
import { type FileHandle, open, stat } from 'node:fs/promises';
import { createFile, type DiskFile, readFailed } from '@firstlight/files';
import { clusterBytes, type VolumeContent, type WriteOptions, writeVolumeInto } from '@firstlight/tfs';
import { DiskError } from './disk-error.ts';
import { rootFsAt, writePartitions } from './mbr.ts';
import { qcow2Disk } from './qcow2.ts';
import type { DiskLayout } from './write-disk.ts';

export interface DerivedContent extends VolumeContent {
  /** A raw disk from `writeDisk`, and that call's result. */
  readonly base: { readonly path: string; readonly layout: DiskLayout };
  /** The base's path for QEMU: an absolute path, or one relative to the new file's folder. Default: the base's path. */
  readonly baseName?: string;
  /** The guest paths of the tree whose content equals the base's. */
  readonly fromBase: ReadonlySet<string>;
}

/**
 * Writes a qcow2 file that, on top of its base, is a disk with this tree and root. The base's boot parts and the files named
 * in `fromBase` stay in place; the file contains the root's log and the other files' data.
 *
 * Errors: as `writeDisk`. `read-failed` for the base, `base-changed` when its length differs from its layout;
 * `not-in-base` when a path of `fromBase` is not in it.
 */
export async function writeDerived(
  path: string,
  { base, baseName = base.path, fromBase, ...content }: DerivedContent,
  options: WriteOptions = {},
): Promise<DiskLayout> {
  await checkBase(base);
  return createFile(path, async (file) => {
    const disk = qcow2Disk(file, { name: baseName, format: 'raw' });
    const before = { layout: base.layout.root, paths: fromBase };
    // Never smaller than the base: QEMU would truncate the base.
    const minBytes = Math.max(content.minBytes ?? 0, base.layout.root.bytes);
    const root = await writeVolumeInto(disk, rootFsAt, { ...content, minBytes }, { ...options, before });
    if (root.bytes !== base.layout.root.bytes) await enlargeRoot(disk, base.path, root.bytes);
    const bytes = rootFsAt + root.bytes;
    await disk.finish(bytes);
    return { version: 1, digest: content.digest, bytes, root };
  });
}

/** Checks the base's length: QEMU would use any file at that path as the base. */
async function checkBase({ path, layout }: DerivedContent['base']): Promise<void> {
  const found = await stat(path).catch((thrown: unknown) => {
    throw readFailed(thrown, path, 'read the base of the image');
  });
  if (found.size === layout.bytes) return;
  throw new DiskError('base-changed', `The base of the image has ${found.size} bytes, not ${layout.bytes}: ${path}.`, {
    hint: 'Remove it; the next build makes it again.',
    subject: path,
  });
}

/** Writes the base's first cluster again, with the root's new size in the partition table. */
async function enlargeRoot(disk: DiskFile, basePath: string, rootBytes: number): Promise<void> {
  const cluster = Buffer.alloc(clusterBytes);
  let file: FileHandle | undefined;
  try {
    file = await open(basePath, 'r');
    await file.read(cluster, 0, clusterBytes, 0);
  } catch (thrown) {
    throw readFailed(thrown, basePath);
  } finally {
    await file?.close();
  }
  writePartitions(cluster, rootBytes);
  await disk.write(cluster, 0);
}
