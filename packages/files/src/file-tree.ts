/** The files for an image, independent of any format. */
import { FilesError } from './files-error.ts';

/** The source of a file's bytes: a file of this host, read when the image is written, or bytes in memory. */
export type FileContent =
  | { readonly kind: 'host'; readonly path: string }
  | { readonly kind: 'bytes'; readonly data: Uint8Array };

/** Shape: `mode` has the permission bits (`0o777`) where the file's source is an archive, which has them of its own. */
interface FileNode {
  readonly kind: 'file';
  readonly content: FileContent;
  readonly bytes: number;
  readonly mode?: number;
}

/** One node of a tree. Units: `bytes` is the file's length at the time when the tree was made. */
export type TreeNode =
  | { readonly kind: 'directory' }
  | FileNode
  | { readonly kind: 'symlink'; readonly target: string };

/** Guest paths to nodes. Shape: paths as `guestPath` gives them, without `/` itself; every parent of a path exists. */
export type FileTree = ReadonlyMap<string, TreeNode>;

/** A builder for a tree. A later node replaces an earlier one at its path. */
export interface FileTreeBuilder {
  /** Adds a node and the directories above it. Errors: as `guestPath`; `path-taken` when a parent is not a directory. */
  readonly add: (path: string, node: TreeNode) => void;
  readonly addAll: (tree: FileTree) => void;
  /** Removes a node and all below it. */
  readonly remove: (path: string) => void;
  readonly get: (path: string) => TreeNode | undefined;
  readonly tree: FileTree;
}

/** Linux's limits. */
const maxNameBytes = 255;
const maxPathBytes = 4095;

/**
 * The one form of a path in the guest: absolute, without `.`, `..`, doubled or trailing slashes.
 *
 * Errors: `path-escapes` when `..` leads above the root; `path-invalid` for a zero byte, or a name or path longer than
 * Linux allows.
 */
export function guestPath(path: string): string {
  if (path.includes('\0')) throw new FilesError('path-invalid', `The path ${JSON.stringify(path)} has a zero byte.`);
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') {
      if (Buffer.byteLength(part) > maxNameBytes) throw tooLong(path, 'name', maxNameBytes);
      parts.push(part);
    } else if (parts.pop() === undefined) {
      throw new FilesError('path-escapes', `The path ${JSON.stringify(path)} leads out of the image.`);
    }
  }
  const whole = `/${parts.join('/')}`;
  if (Buffer.byteLength(whole) > maxPathBytes) throw tooLong(path, 'path', maxPathBytes);
  return whole;
}

function tooLong(path: string, what: string, maxBytes: number): FilesError {
  const shown = path.length > 80 ? `${path.slice(0, 77)}…` : path;
  return new FilesError('path-invalid', `The ${what} of ${JSON.stringify(shown)} is longer than ${maxBytes} bytes.`);
}

/** An empty tree to add to. */
export function createFileTree(): FileTreeBuilder {
  const nodes = new Map<string, TreeNode>();

  function addParents(path: string): void {
    for (let at = path.indexOf('/', 1); at !== -1; at = path.indexOf('/', at + 1)) {
      const parent = path.slice(0, at);
      const there = nodes.get(parent);
      if (there === undefined) nodes.set(parent, { kind: 'directory' });
      else if (there.kind !== 'directory') {
        throw new FilesError('path-taken', `${path} cannot be in the image: ${parent} is a ${there.kind} there.`);
      }
    }
  }

  function remove(given: string): void {
    const path = guestPath(given);
    const below = `${path}/`;
    for (const known of [...nodes.keys()]) if (known === path || known.startsWith(below)) nodes.delete(known);
  }

  function add(given: string, node: TreeNode): void {
    const path = guestPath(given);
    if (path === '/') {
      if (node.kind === 'directory') return;
      throw new FilesError('path-taken', 'The root of an image is a directory.');
    }
    addParents(path);
    const there = nodes.get(path);
    if (there?.kind === 'directory' && node.kind === 'directory') return;
    if (there?.kind === 'directory') remove(path);
    nodes.set(path, node);
  }

  return {
    add,
    addAll: (tree) => {
      for (const [path, node] of tree) add(path, node);
    },
    remove,
    get: (path) => nodes.get(guestPath(path)),
    tree: nodes,
  };
}
