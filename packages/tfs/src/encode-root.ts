/** The one tuple of a volume: the options of its root, and all files below it. */

import type { FileTree, TreeNode } from '@firstlight/files';
import { createTupleEncoder, type TupleEncoder } from './encode.ts';
import type { PlacedFile } from './layout.ts';
import { TfsError } from './tfs-error.ts';
import type { Tuple } from './tuple.ts';

type Entries = Map<string, Entry>;
type Entry =
  | { readonly kind: 'directory'; readonly entries: Entries }
  | { readonly kind: 'file'; readonly placed: PlacedFile }
  | Extract<TreeNode, { kind: 'symlink' }>;

/**
 * The limit of names from the root to a file. The kernel walks through a tree by recursion, on a stack of 32 KiB: with
 * 100 names it starts, with 110 it crashes before the program starts, also from an image of its own tools; with 55 a
 * program that made a hard link did not return, with 40 it did.
 */
export const maxDepth = 40;

/** Refuses a tree that no kernel could read. Errors: `tree-invalid`: too deep, a dangling link, or `children` given. */
export function checkRoot(tree: FileTree, options: Tuple): void {
  if (options.has('children')) {
    throw new TfsError('tree-invalid', 'The options of a root cannot have `children`: those are its files.');
  }
  for (const [path, node] of tree) {
    if (node.kind === 'symlink' && (node.target === '' || node.target.includes('\0'))) {
      throw new TfsError('tree-invalid', `The link ${path} leads to no path: ${JSON.stringify(node.target)}.`);
    }
    if (depthOf(path) <= maxDepth) continue;
    throw new TfsError(
      'tree-invalid',
      `${path.slice(0, 80)}… lies too deep: Nanos reads ${maxDepth} levels of folders.`,
      {
        hint: 'Move it nearer to the root.',
        subject: path,
      },
    );
  }
}

function depthOf(path: string): number {
  let depth = 0;
  for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) depth++;
  return depth;
}

/** The paths of a tree in the order of a volume, which does not depend on the order of the tree's construction. */
export const sortedPaths = (tree: FileTree): string[] => [...tree.keys()].sort();

/** The bytes of a volume's root tuple. Shape: `paths` as `sortedPaths` gives them; `files` has each regular file of the tree. */
export function encodeRoot(
  tree: FileTree,
  paths: readonly string[],
  options: Tuple,
  files: ReadonlyMap<string, PlacedFile>,
): Uint8Array {
  const encoder = createTupleEncoder();
  encoder.tuple(options.size + 1);
  for (const [name, value] of options) {
    encoder.symbol(name);
    encoder.value(value);
  }
  encodeChildren(encoder, nest(tree, paths, files));
  return encoder.bytes();
}

function nest(tree: FileTree, paths: readonly string[], files: ReadonlyMap<string, PlacedFile>): Entries {
  const root: Entries = new Map();
  const directories = new Map([['', root]]);
  for (const path of paths) {
    const cut = path.lastIndexOf('/');
    const parent = directories.get(path.slice(0, cut));
    const node = tree.get(path);
    if (parent === undefined || node === undefined) throw new Error(`${path} has no parent in its tree`);
    parent.set(path.slice(cut + 1), entryOf(path, node));
  }
  return root;

  function entryOf(path: string, node: TreeNode): Entry {
    if (node.kind === 'symlink') return node;
    if (node.kind === 'directory') {
      const entries: Entries = new Map();
      directories.set(path, entries);
      return { kind: 'directory', entries };
    }
    const placed = files.get(path);
    if (placed === undefined) throw new Error(`${path} was not put anywhere`);
    return { kind: 'file', placed };
  }
}

function encodeChildren(encoder: TupleEncoder, entries: Entries): void {
  encoder.symbol('children');
  encoder.tuple(entries.size);
  for (const [name, entry] of entries) {
    encoder.symbol(name);
    encodeEntry(encoder, entry);
  }
}

function encodeEntry(encoder: TupleEncoder, entry: Entry): void {
  if (entry.kind === 'file') {
    encodeFile(encoder, entry.placed);
  } else if (entry.kind === 'directory') {
    encoder.tuple(1);
    encodeChildren(encoder, entry.entries);
  } else {
    encoder.tuple(1);
    encoder.symbol('linktarget');
    encoder.string(entry.target);
  }
}

function encodeFile(encoder: TupleEncoder, { bytes, extents }: PlacedFile): void {
  encoder.tuple(2);
  encoder.symbol('extents');
  encoder.tuple(extents.length);
  for (const [fileBlock, length, block, allocated] of extents) {
    encoder.symbol(String(fileBlock));
    encoder.tuple(3);
    encoder.symbol('offset');
    encoder.integer(block);
    encoder.symbol('length');
    encoder.integer(length);
    encoder.symbol('allocated');
    encoder.integer(allocated);
  }
  encoder.symbol('filelength');
  encoder.integer(bytes);
}
