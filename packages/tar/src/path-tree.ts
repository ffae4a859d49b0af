/** A file system in memory, in which links are followed as for a process inside it. */

import { type FileTree, guestPath, type TreeNode } from '@firstlight/files';
import { TarError } from './tar-error.ts';

type Leaf = Exclude<TreeNode, { kind: 'directory' }>;
interface Directory {
  readonly kind: 'directory';
  readonly children: Map<string, PathNode>;
}
export type PathNode = Directory | Leaf;

/** A node and the one path that leads to it without links. */
export interface Found {
  readonly path: string;
  readonly node: PathNode;
}

/**
 * Files by path, collected from untrusted archives. The time of every operation depends only on the length of its path.
 *
 * Errors: all that take a path throw `path-escapes` when it leads above the root, and so does a link on it that is
 * written through, unless the tree's `upward` is `stay`.
 */
export interface PathTree {
  /** Puts a node there; a directory keeps its nodes, others are replaced. Errors: `invalid` when a parent is a file. */
  readonly add: (path: string, node: Leaf | { readonly kind: 'directory' }) => void;
  /** Removes a node, not its target, and all nodes below it; no effect when it does not exist. */
  readonly remove: (path: string) => void;
  /** Empties a directory. */
  readonly clear: (path: string) => void;
  /** The node at a path with all links followed; undefined when there is no node, or only links. */
  readonly lookUp: (path: string) => Found | undefined;
  /** The node itself: the path's last part is not followed. */
  readonly get: (path: string) => PathNode | undefined;
  readonly toFileTree: () => FileTree;
}

export interface PathTreeOptions {
  /** What `..` above the root does in a link that is written through. `stay`: it stays at the root, as for a process. */
  readonly upward?: 'refuse' | 'stay';
}

/** The number of links that Linux follows. */
const maxLinks = 40;
/** The limit of nodes: long paths make many directories from few bytes. */
const maxNodes = 2_000_000;

export function createPathTree({ upward = 'refuse' }: PathTreeOptions = {}): PathTree {
  const root: Directory = { kind: 'directory', children: new Map() };
  let nodes = 0;

  function put(dir: Directory, name: string, node: PathNode): void {
    if (++nodes > maxNodes) throw invalid(`There are more than ${maxNodes} files and folders.`);
    dir.children.set(name, node);
  }

  /** The directory of a path, made where it does not exist, with its links followed. */
  function openDirectory(parts: readonly string[], whole: string): Directory {
    let chain: Directory[] = [root];
    const waiting = [...parts].reverse();
    let links = 0;
    while (waiting.length > 0) {
      const part = waiting.pop() as string;
      const here = chain.at(-1) as Directory;
      if (part === '' || part === '.') continue;
      if (part === '..') {
        if (chain.length > 1) chain.pop();
        else if (upward === 'refuse') throw escapes(whole);
        continue;
      }
      const child = here.children.get(part);
      if (child?.kind === 'directory') {
        chain.push(child);
      } else if (child?.kind === 'symlink') {
        if (++links > maxLinks) throw invalid(`${whole} goes through a circle of links.`);
        if (child.target.startsWith('/')) chain = [root];
        waiting.push(...child.target.split('/').reverse());
      } else if (child === undefined) {
        const made: Directory = { kind: 'directory', children: new Map() };
        put(here, part, made);
        chain.push(made);
      } else {
        throw invalid(`${whole} cannot be: ${part} on its way is a file.`);
      }
    }
    return chain.at(-1) as Directory;
  }

  /** As `openDirectory`, for reads: it makes no directory, and `..` stays at the root. */
  function lookUp(path: string): Found | undefined {
    let chain: { name: string; node: PathNode }[] = [{ name: '', node: root }];
    const waiting = guestPath(path).split('/').reverse();
    let links = 0;
    while (waiting.length > 0) {
      const part = waiting.pop() as string;
      const here = chain.at(-1)?.node;
      if (part === '' || part === '.') continue;
      if (here?.kind !== 'directory') return undefined;
      if (part === '..') {
        if (chain.length > 1) chain.pop();
        continue;
      }
      const child = here.children.get(part);
      if (child === undefined) return undefined;
      if (child.kind !== 'symlink') {
        chain.push({ name: part, node: child });
        continue;
      }
      if (++links > maxLinks) return undefined;
      if (child.target.startsWith('/')) chain = [{ name: '', node: root }];
      waiting.push(...child.target.split('/').reverse());
    }
    return { path: chain.map(({ name }) => name).join('/') || '/', node: chain.at(-1)?.node as PathNode };
  }

  function split(path: string): { dir: string[]; name: string; whole: string } {
    const whole = guestPath(path);
    const parts = whole.slice(1).split('/');
    return { name: parts.pop() as string, dir: parts, whole };
  }

  /** The directory that contains a path's last part, when the whole path exists. */
  function parentOf(path: string): { parent: Directory; name: string } | undefined {
    const { dir, name } = split(path);
    const found = lookUp(`/${dir.join('/')}`)?.node;
    return found?.kind === 'directory' ? { parent: found, name } : undefined;
  }

  return {
    lookUp,
    add: (path, node) => {
      const { dir, name, whole } = split(path);
      if (name === '') {
        if (node.kind === 'directory') return;
        throw invalid('The root cannot be a file or a link.');
      }
      const parent = openDirectory(dir, whole);
      if (node.kind !== 'directory') put(parent, name, node);
      else if (parent.children.get(name)?.kind !== 'directory') {
        put(parent, name, { kind: 'directory', children: new Map() });
      }
    },
    remove: (path) => {
      const found = parentOf(path);
      found?.parent.children.delete(found.name);
    },
    clear: (path) => {
      const found = lookUp(path)?.node;
      if (found?.kind === 'directory') found.children.clear();
    },
    get: (path) => {
      if (guestPath(path) === '/') return root;
      const found = parentOf(path);
      return found?.parent.children.get(found.name);
    },
    toFileTree: () => {
      const tree = new Map<string, TreeNode>();
      const visit = (dir: Directory, prefix: string) => {
        for (const [name, node] of dir.children) {
          // A node written through a link may be deeper than its own path.
          const path = guestPath(`${prefix}/${name}`);
          tree.set(path, node.kind === 'directory' ? { kind: 'directory' } : node);
          if (node.kind === 'directory') visit(node, path);
        }
      };
      visit(root, '');
      return tree;
    },
  };
}

const invalid = (message: string) =>
  new TarError('invalid', message, {
    hint: 'Fetch or make the archive again; if it stays so, it was made wrongly or is hostile.',
  });

const escapes = (path: string) =>
  new TarError('path-escapes', `The path ${JSON.stringify(path)} leads out of the archive through a link.`, {
    hint: 'The archive was made wrongly or is hostile: nothing of it was kept.',
  });

/** A tree of files as one in which links can be followed. */
export function pathTreeOf(files: FileTree): PathTree {
  const tree = createPathTree({ upward: 'stay' });
  for (const [path, node] of files) tree.add(path, node);
  return tree;
}
