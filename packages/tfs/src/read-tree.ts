/** The files of a root tuple. */
import type { Disk } from '@firstlight/files';
import { type FileExtents, readExtents } from './read-extents.ts';
import type { Log, Span } from './read-log.ts';
import { damagedVolume } from './tfs-error.ts';
import type { Tuple } from './tuple.ts';

/** A node of the tree. Shape: `path` is absolute, and its names are valid in a file system. */
export type ImageNode =
  | { readonly kind: 'directory'; readonly path: string; readonly depth: number }
  | { readonly kind: 'symlink'; readonly path: string; readonly depth: number; readonly target: string }
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly depth: number;
      /** The same object for every name of one file. */
      readonly data: FileExtents;
    };

/** Twice the limit of a listing, and more than fit into the log with separate data. */
const maxNodes = 1_000_000;
/** The limit for all paths together: a directory that contains itself many times would fill any memory with names. */
const maxPathChars = 256 * 1024 ** 2;
/** The limit of Linux. */
const maxPathLength = 4095;
const maxNameLength = 255;

/**
 * All nodes, each directory before its nodes, sorted by the names' characters; `/` itself is left out.
 *
 * Errors: `damaged` for an invalid name, a directory in itself, an endless tree, and errors of `readExtents`.
 */
export function readTree(disk: Disk, span: Span, log: Log, root: Tuple): ImageNode[] {
  const invalid = (what: string, tuple: Tuple) => damagedVolume(disk.path, what, log.decoder.placeOf(tuple));
  const context = { ...span, invalid };
  const files = new Map<Tuple, FileExtents>();
  const nodes: ImageNode[] = [];
  let pathChars = 0;

  function dataOf(tuple: Tuple): FileExtents {
    const known = files.get(tuple);
    if (known !== undefined) return known;
    const data = readExtents(tuple, context);
    files.set(tuple, data);
    return data;
  }

  function nodeOf(path: string, depth: number, tuple: Tuple): ImageNode {
    if (tuple.get('children') instanceof Map) return { kind: 'directory', path, depth };
    const target = tuple.get('linktarget');
    if (typeof target !== 'string') return { kind: 'file', path, depth, data: dataOf(tuple) };
    if (target === '' || target.length > maxPathLength || target.includes('\0')) {
      throw invalid(`the target of the link ${JSON.stringify(path)} is not a path: its tuple is`, tuple);
    }
    return { kind: 'symlink', path, depth, target };
  }

  const open: Level[] = [levelOf('', root, 0)];
  const ancestors = new Set<Tuple>([root]);
  for (let level = open.at(-1); level !== undefined; level = open.at(-1)) {
    const next = level.children[level.next++];
    if (next === undefined) {
      ancestors.delete(level.tuple);
      open.pop();
      continue;
    }
    const [name, tuple] = next;
    const path = `${level.path}/${name}`;
    if (!isName(name))
      throw invalid(`a name that no file may have (${JSON.stringify(path.slice(0, 80))}) in`, level.tuple);
    if (!(tuple instanceof Map))
      throw invalid(`${JSON.stringify(path)} is not a tuple: that of its directory is`, level.tuple);
    if (path.length > maxPathLength)
      throw invalid(`a path longer than ${maxPathLength} characters: its tuple is`, tuple);
    pathChars += path.length;
    if (nodes.length === maxNodes || pathChars > maxPathChars) {
      throw invalid(`more than ${maxNodes} entries, or paths without end: the last tuple is`, tuple);
    }
    const node = nodeOf(path, level.depth + 1, tuple);
    nodes.push(node);
    if (node.kind !== 'directory') continue;
    if (ancestors.has(tuple)) throw invalid(`the directory ${JSON.stringify(path)} is in itself: its tuple is`, tuple);
    ancestors.add(tuple);
    open.push(levelOf(path, tuple, level.depth + 1));
  }
  checkStorage(disk, log, nodes);
  return nodes;
}

/** A directory with entries still to visit. */
interface Level {
  readonly path: string;
  readonly depth: number;
  readonly tuple: Tuple;
  readonly children: readonly (readonly [string, unknown])[];
  next: number;
}

function levelOf(path: string, tuple: Tuple, depth: number): Level {
  const children = tuple.get('children');
  const named = children instanceof Map ? [...(children as Tuple)] : [];
  // Nanos keeps the parent among the children while it runs, and older versions wrote it to the log.
  const real = named.filter(([name]) => name !== '.' && name !== '..');
  return { path, depth, tuple, children: real.sort(([a], [b]) => (a < b ? -1 : 1)), next: 0 };
}

const isName = (name: string) =>
  name !== '' && name.length <= maxNameLength && !name.includes('/') && !name.includes('\0');

/** Checks for overlaps. Errors: `damaged` when two files, or a file and the log, take the same room. */
function checkStorage(disk: Disk, log: Log, nodes: readonly ImageNode[]): void {
  const taken = log.pieces.map(({ start, bytes }) => ({ start, end: start + bytes, path: 'the log' }));
  const seen = new Set<FileExtents>();
  for (const node of nodes) {
    if (node.kind !== 'file' || seen.has(node.data)) continue;
    seen.add(node.data);
    for (const { diskStart, allocatedBytes } of node.data.extents) {
      taken.push({ start: diskStart, end: diskStart + allocatedBytes, path: JSON.stringify(node.path) });
    }
  }
  taken.sort((a, b) => a.start - b.start);
  for (const [index, { start, path }] of taken.entries()) {
    const before = taken[index - 1];
    if (before !== undefined && start < before.end) {
      throw damagedVolume(disk.path, `${before.path} and ${path} both take the room`, start);
    }
  }
}
