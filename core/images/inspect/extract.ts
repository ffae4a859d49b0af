import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readdir, rename, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Disk } from '@firstlight/files';
import { writeFully } from '@firstlight/files';
import type { FileExtents, ImageNode, Volume } from '@firstlight/tfs';
import { chunkBytes, segmentsOf } from '@firstlight/tfs';
import { toFirstlightError } from '#core/store/from-format-error.ts';
import { FirstlightError } from '#shared/errors.ts';
import { systemCode, toFileError } from '../../store/store-error.ts';
import { findNode, nodesBelow } from './find-node.ts';

/** The amount that was written. Units: `bytes` is the length of all files. */
export interface Extracted {
  readonly files: number;
  readonly directories: number;
  readonly symlinks: number;
  readonly bytes: number;
}

export interface ExtractOptions {
  readonly signal: AbortSignal;
  /** Units: from 0 to 1. */
  readonly onProgress: (fraction: number) => void;
}

/**
 * Writes the content of a directory of the image (or one file, under its name) into the new folder `to`, which appears
 * whole or not at all. Links are made as they are, and none is ever followed; a file of several names stays one file;
 * holes stay holes.
 *
 * Errors: ALREADY_EXISTS when `to` has something in it or is not a folder; NOT_FOUND, BAD_INPUT for `from`;
 * IMAGE_INVALID, DISK_FULL, STORE_UNUSABLE, CANCELLED.
 */
export async function extract(volume: Volume, from: string, to: string, options: ExtractOptions): Promise<Extracted> {
  const found = findNode(volume, from);
  const nodes = found.kind === 'file' ? [found] : nodesBelow(volume, found.path);
  const cut = found.kind === 'file' ? found.path.lastIndexOf('/') : found.path.length;
  await checkTarget(to);
  const temp = join(dirname(to), `.${basename(to)}.${randomBytes(6).toString('hex')}.fl-tmp`);
  try {
    await mkdir(temp);
    const counts = await writeNodes(volume.disk, nodes, (path) => join(temp, path.slice(cut)), options);
    await rename(temp, to);
    return counts;
  } catch (thrown) {
    throw options.signal.aborted ? toFirstlightError(options.signal.reason) : toFileError(thrown, 'write', to);
  } finally {
    await rm(temp, { recursive: true, force: true });
  }
}

async function checkTarget(to: string): Promise<void> {
  const names = await readdir(to).catch((thrown: unknown) => {
    const code = systemCode(thrown);
    if (code === 'ENOENT') return [];
    if (code === 'ENOTDIR') return [basename(to)];
    throw toFileError(thrown, 'read', to);
  });
  if (names.length === 0) return;
  throw new FirstlightError('ALREADY_EXISTS', `${to} is there already, and not an empty folder.`, {
    hint: 'Name a folder that is not there yet.',
    details: { subject: to },
  });
}

async function writeNodes(
  disk: Disk,
  nodes: readonly ImageNode[],
  targetOf: (path: string) => string,
  { signal, onProgress }: ExtractOptions,
): Promise<Extracted> {
  const counts = { files: 0, directories: 0, symlinks: 0, bytes: 0 };
  const written = new Map<FileExtents, string>();
  for (const [index, node] of nodes.entries()) {
    signal.throwIfAborted();
    onProgress(index / nodes.length);
    const target = targetOf(node.path);
    if (node.kind === 'directory') {
      await mkdir(target);
      counts.directories++;
    } else if (node.kind === 'file') {
      const first = written.get(node.data);
      if (first === undefined) await writeFile(disk, node.data, target, signal);
      else await link(first, target);
      written.set(node.data, first ?? target);
      counts.files++;
      counts.bytes += first === undefined ? node.data.bytes : 0;
    }
  }
  // Last, when nothing more is written: a link that leads out of the folder misleads none of our own writes.
  for (const node of nodes) {
    if (node.kind !== 'symlink') continue;
    await symlink(node.target, targetOf(node.path));
    counts.symlinks++;
  }
  return counts;
}

async function writeFile(disk: Disk, data: FileExtents, path: string, signal: AbortSignal): Promise<void> {
  const file = await open(path, 'wx', 0o644);
  try {
    await file.truncate(data.bytes);
    for (const { fileStart, bytes, diskStart } of segmentsOf(data)) {
      if (diskStart === null) continue;
      for (let at = 0; at < bytes; at += chunkBytes) {
        signal.throwIfAborted();
        const chunk = await disk.read(diskStart + at, Math.min(chunkBytes, bytes - at));
        await writeFully(file, chunk, fileStart + at);
      }
    }
  } finally {
    await file.close();
  }
}
