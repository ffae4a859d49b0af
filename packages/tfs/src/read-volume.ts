import type { Disk } from '@firstlight/files';
import { type Log, readLog, type Span } from './read-log.ts';
import { type ImageNode, readTree } from './read-tree.ts';
import { damagedVolume } from './tfs-error.ts';
import type { Tuple } from './tuple.ts';

/** A file system: its root tuple, its tree, and the fields of its log. */
export interface Volume {
  readonly disk: Disk;
  readonly span: Span;
  readonly log: Log;
  readonly root: Tuple;
  readonly nodes: readonly ImageNode[];
}

/**
 * Reads a file system's metadata without any file's data.
 *
 * Errors: `damaged` with the fault and its place on the disk.
 */
export async function readVolume(disk: Disk, span: Span): Promise<Volume> {
  const log = await readLog(disk, span);
  const root = log.decoder.root();
  if (root === undefined) throw damagedVolume(disk.path, 'the log has no root tuple', span.start);
  return { disk, span, log, root, nodes: readTree(disk, span, log, root) };
}
