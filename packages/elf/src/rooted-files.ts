import { lstat, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { ElfError } from './elf-error.ts';

/** A symbolic link that was followed. Shape: `path` has no link above it; `target` is unchanged. */
export interface FollowedLink {
  readonly path: string;
  readonly target: string;
}

/** A file and its path. Shape: plain JSON; paths as seen by a program whose root directory is the root. */
export interface RootedFile {
  readonly path: string;
  /** The path without any link. */
  readonly realPath: string;
  readonly links: readonly FollowedLink[];
  /** Directories that the path enters and leaves by `..`: they have to exist too. */
  readonly passed: readonly string[];
  /** Its path on this host. */
  readonly hostPath: string;
  /** Units: bytes. */
  readonly bytes: number;
}

/** The target of a path. */
export interface FoundFile extends RootedFile {
  readonly kind: 'file' | 'directory' | 'other';
}

/** Files as seen by a program whose root is a directory of this host. */
export interface RootedFiles {
  readonly root: string;
  /** Null when the path does not reach a file. Errors: `too-many` after more look-ups than any program causes. */
  readonly find: (path: string) => Promise<FoundFile | null>;
  /** As `find`, for regular files only. */
  readonly findFile: (path: string) => Promise<RootedFile | null>;
}

/** The number of links that Linux follows. */
const maxLinks = 40;
/** Linux' longest path, without its zero byte. */
const maxPathBytes = 4095;
/** The limit of look-ups of path parts. A desktop program with 200 libraries and 20 search directories needs 20,000. */
const maxSteps = 2_000_000;

/** The files below `root`; links, including absolute ones and those with `..`, never lead above the root. */
export function createRootedFiles(root: string): RootedFiles {
  const known = new Map<string, Promise<Node | null>>();
  const nodeAt = (path: string): Promise<Node | null> => {
    const found = known.get(path) ?? readNode(join(root, path));
    known.set(path, found);
    return found;
  };

  let steps = 0;

  async function find(path: string): Promise<FoundFile | null> {
    if (Buffer.byteLength(path) > maxPathBytes) return null;
    const links: FollowedLink[] = [];
    const passed: string[] = [];
    const ahead = path.split('/').reverse();
    let at = '';
    let node: Node = { kind: 'directory', bytes: 0 };
    for (let part = ahead.pop(); part !== undefined; part = ahead.pop()) {
      if (++steps > maxSteps) throw tooMany(path);
      if (part === '' || part === '.') continue;
      if (node.kind !== 'directory') return null;
      if (part === '..') {
        if (at !== '') passed.push(at);
        at = at.slice(0, Math.max(0, at.lastIndexOf('/')));
        continue;
      }
      const next = `${at}/${part}`;
      const there: Node | null = await nodeAt(next);
      if (there === null) return null;
      if (there.kind !== 'link') {
        at = next;
        node = there;
        continue;
      }
      links.push({ path: next, target: there.target });
      if (links.length > maxLinks) return null;
      if (there.target.startsWith('/')) at = '';
      ahead.push(...there.target.split('/').reverse());
    }
    const { kind, bytes } = node;
    return { path, realPath: at === '' ? '/' : at, links, passed, hostPath: join(root, at), kind, bytes };
  }

  return {
    root,
    find,
    findFile: async (path) => {
      const found = await find(path);
      if (found?.kind !== 'file') return null;
      const { kind: _, ...file } = found;
      return file;
    },
  };
}

function tooMany(path: string): ElfError {
  return new ElfError('too-many', `Too many files were looked for; the last is ${path}.`, {
    hint: 'The program or a library names an absurd number of libraries or directories.',
  });
}

type Node =
  | { readonly kind: 'file' | 'directory' | 'other'; readonly bytes: number }
  | { readonly kind: 'link'; readonly target: string; readonly bytes: number };

/** Null for every error at which the dynamic linker would continue: absent, not readable, an impossible name. */
async function readNode(hostPath: string): Promise<Node | null> {
  try {
    const found = await lstat(hostPath);
    if (found.isSymbolicLink()) return { kind: 'link', target: await readlink(hostPath), bytes: 0 };
    const kind = found.isFile() ? 'file' : found.isDirectory() ? 'directory' : 'other';
    return { kind, bytes: found.size };
  } catch {
    return null;
  }
}
