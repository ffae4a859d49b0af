/** Writes volumes: TFS file systems with a tree of files and the options that Nanos reads from their root. */

import type { FileTree } from '@firstlight/files';
import { createFile, type DiskFile, rawDisk } from '@firstlight/files';
import { checkRoot, encodeRoot, sortedPaths } from './encode-root.ts';
import { logExtensionBytes, sectorBytes } from './format.ts';
import {
  alignToCluster,
  clusterBytes,
  dataStartBlock,
  defaultFreeBytes,
  logExtensionBlocks,
  logStartBlock,
  type PlacedFile,
  roundUp,
  sizeStepBytes,
  type VolumeLayout,
} from './layout.ts';
import { TfsError } from './tfs-error.ts';
import type { Tuple } from './tuple.ts';
import { createDataWriter } from './write-data.ts';
import { checkLabel, extensionsFor, firstSector, logExtensions, uuidFor } from './write-log.ts';

/** The content of a volume, and its size. */
export interface VolumeContent {
  readonly tree: FileTree;
  /** The options of the root, without `children`, which is the tree. Default: none, as for a volume without boot. */
  readonly root?: Tuple;
  /** The volume's name for a person and for the `mounts` of a root. Default: none. Units: at most 31 bytes. */
  readonly label?: string;
  /** The digest of the content, which determines the UUID. */
  readonly digest: string;
  /** Units: bytes that the guest can write. Default: 16 MiB. */
  readonly freeBytes?: number;
  /** Units: bytes, the volume's least size. Default: the room for its files and `freeBytes`. */
  readonly minBytes?: number;
}

/** Files that are not written, because the image below has them. */
export interface PlacedBefore {
  readonly layout: VolumeLayout;
  /** The guest paths whose content is unchanged since `layout`. */
  readonly paths: ReadonlySet<string>;
}

export interface WriteOptions {
  readonly signal?: AbortSignal | undefined;
  /** Gets the written share of the files' bytes. Units: 0 to 1. */
  readonly onProgress?: ((fraction: number) => void) | undefined;
}

type IntoOptions = WriteOptions & { readonly before?: PlacedBefore | undefined };

/**
 * Writes a volume into a new file: TFS from its first byte on, for attaching to an instance.
 *
 * Errors: `label-invalid`; `tree-invalid` for a tree that is too deep; `file-gone`, `file-changed` for a file of the host;
 * the signal's reason; `write-failed`. No file is left then.
 */
export function writeVolume(path: string, content: VolumeContent, options: WriteOptions = {}): Promise<VolumeLayout> {
  return createFile(path, async (file) => {
    const disk = rawDisk(file);
    const layout = await writeVolumeInto(disk, 0, content, options);
    await disk.finish(layout.bytes);
    return layout;
  });
}

/** Writes a volume into a disk, from byte `volumeAt` on. Errors: as `writeVolume`. */
export async function writeVolumeInto(
  disk: DiskFile,
  volumeAt: number,
  content: VolumeContent,
  options: IntoOptions = {},
): Promise<VolumeLayout> {
  const { tree, root = new Map(), label = '', digest, freeBytes = defaultFreeBytes, minBytes = 0 } = content;
  // Check this now, and not after all the data.
  checkLabel(label);
  checkRoot(tree, root);
  const paths = sortedPaths(tree);
  const data = await writeData(disk, volumeAt, tree, paths, options);

  const metadata = encodeRoot(tree, paths, root, data.files);
  const moreExtensions = extensionsFor(metadata.length) - 1;
  const logBlocks = [logStartBlock];
  for (let index = 0; index < moreExtensions; index++) logBlocks.push(data.nextBlock + index * logExtensionBlocks);
  const nextFreeBlock = data.nextBlock + moreExtensions * logExtensionBlocks;

  const extensions = logExtensions(metadata, logBlocks);
  for (const [index, block] of logBlocks.entries()) {
    const at = volumeAt + block * sectorBytes;
    await disk.zero(at, logExtensionBytes);
    await disk.write(extensions[index] ?? new Uint8Array(), at);
  }
  await disk.zero(volumeAt, clusterBytes);
  await disk.write(firstSector({ label, uuid: uuidFor(digest) }, logStartBlock), volumeAt);

  const bytes = roundUp(Math.max(minBytes, nextFreeBlock * sectorBytes + freeBytes), sizeStepBytes);
  return { bytes, nextFreeBlock, files: Object.fromEntries(data.files) };
}

interface PlacedData {
  readonly files: ReadonlyMap<string, PlacedFile>;
  /** A multiple of a cluster. */
  readonly nextBlock: number;
}

/** Writes the missing files, behind the existing ones. */
async function writeData(
  disk: DiskFile,
  volumeAt: number,
  tree: FileTree,
  paths: readonly string[],
  options: IntoOptions,
): Promise<PlacedData> {
  const { signal, onProgress, before } = options;
  const files = new Map<string, PlacedFile>();
  const isThere = (path: string) => before?.paths.has(path) === true;

  let totalBytes = 0;
  for (const [path, node] of tree) if (node.kind === 'file' && !isThere(path)) totalBytes += node.bytes;
  let readBytes = 0;
  const onRead = (bytes: number) => {
    readBytes += bytes;
    onProgress?.(readBytes / totalBytes);
  };

  const startBlock = alignToCluster(before?.layout.nextFreeBlock ?? dataStartBlock);
  const writer = createDataWriter(disk, volumeAt, startBlock, { signal, onRead });
  try {
    for (const path of paths) {
      const node = tree.get(path);
      if (node?.kind === 'file') files.set(path, isThere(path) ? placedBefore(path, before) : await writer.add(node));
    }
    return { files, nextBlock: alignToCluster(await writer.end()) };
  } finally {
    await writer.settle();
  }
}

function placedBefore(path: string, before: PlacedBefore | undefined): PlacedFile {
  const placed = before?.layout.files[path];
  if (placed !== undefined) return placed;
  throw new TfsError('not-in-base', `${path} is said to be in the base of the image, which does not have it.`);
}
