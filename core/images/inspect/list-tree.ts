import type { ImageNode, Volume } from '@firstlight/tfs';
import type { ImageEntry, ImagePartition, ImageTree } from '#shared/model/image-tree.ts';
import { type Bytes, bytes } from '#shared/model/units.ts';
import { findNode, nodesBelow } from './find-node.ts';

/** The listing of a path, with at most `maxEntries`. Errors: as `findNode`. */
export function listTree(volume: Volume, partition: ImagePartition, from: string, maxEntries: number): ImageTree {
  const found = findNode(volume, from);
  const nodes = found.kind === 'file' ? [found] : nodesBelow(volume, found.path);
  const totals = { files: 0, directories: 0, symlinks: 0, bytes: 0, storedBytes: 0 };
  // A file of two names takes its room once.
  const counted = new Set<object>();
  for (const node of nodes) {
    if (node.kind === 'directory') totals.directories++;
    else if (node.kind === 'symlink') totals.symlinks++;
    else {
      totals.files++;
      if (counted.has(node.data)) continue;
      counted.add(node.data);
      totals.bytes += node.data.bytes;
      totals.storedBytes += node.data.storedBytes;
    }
  }
  return {
    partition,
    path: found.path || '/',
    entries: nodes.slice(0, maxEntries).map(entryOf),
    totals: { ...totals, bytes: bounded(totals.bytes), storedBytes: bounded(totals.storedBytes) },
    truncated: nodes.length > maxEntries,
  };
}

function entryOf(node: ImageNode): ImageEntry {
  const { path, kind } = node;
  if (kind === 'directory') return { path, kind, bytes: bytes(0), storedBytes: bytes(0), target: null };
  if (kind === 'symlink') {
    return { path, kind, bytes: bytes(Buffer.byteLength(node.target)), storedBytes: bytes(0), target: node.target };
  }
  return { path, kind, bytes: bytes(node.data.bytes), storedBytes: bytes(node.data.storedBytes), target: null };
}

/** Sparse files may claim more together than a double can represent as a whole number. */
const bounded = (value: number): Bytes => bytes(Math.min(value, Number.MAX_SAFE_INTEGER));
