import { dirname, join } from 'node:path/posix';
import type { FileTreeBuilder } from '@firstlight/files';
import type { Closure, ClosureFile, ClosureLibrary } from './closure.ts';

/**
 * Adds a closure's program, interpreter and libraries to a tree, with the links on their paths, at the places where the
 * guest's linker looks for them.
 *
 * A library that was found through `ld.so.conf` or a given directory gets a link in a default directory, since the guest
 * has no `ld.so.cache` and may have another search path. Existing directories of the tree stay directories.
 */
export function closureToTree(closure: Closure, builder: FileTreeBuilder): void {
  addClosureFile(builder, closure.program);
  if (closure.interpreter !== null) addClosureFile(builder, closure.interpreter);
  for (const library of closure.libraries) {
    addClosureFile(builder, library);
    addToDefaultDir(builder, library, closure.defaultDirs);
  }
}

/** Adds one file with the links that lead to it. */
export function addClosureFile(builder: FileTreeBuilder, file: ClosureFile): void {
  for (const { path, target } of file.links) {
    const at = follow(builder, path, 'parents');
    if (builder.get(at) === undefined) builder.add(at, { kind: 'symlink', target });
  }
  for (const dir of file.passed) {
    const at = follow(builder, dir);
    if (builder.get(at) === undefined) builder.add(at, { kind: 'directory' });
  }
  const place = follow(builder, file.realPath);
  builder.add(place, { kind: 'file', content: { kind: 'host', path: file.hostPath }, bytes: file.bytes });
  linkTo(builder, file.path, place);
}

/** Makes `path` lead to the file at `place` if it does not yet: the tree has a directory in place of a link. */
function linkTo(builder: FileTreeBuilder, path: string, place: string): void {
  if (follow(builder, path) !== place)
    builder.add(follow(builder, path, 'parents'), { kind: 'symlink', target: place });
}

function addToDefaultDir(builder: FileTreeBuilder, library: ClosureLibrary, defaultDirs: readonly string[]): void {
  const isSearchedOnlyHere = library.foundBy === 'ld.so.conf' || library.foundBy === 'library path';
  const [dir] = defaultDirs;
  if (isSearchedOnlyHere && dir !== undefined)
    linkTo(builder, join(dir, library.name), follow(builder, library.realPath));
}

/** The number of links that Linux follows. */
const maxLinks = 40;

/** The target of a path in the tree; with `parents`, its last part is not followed. */
function follow(builder: FileTreeBuilder, path: string, upTo: 'all' | 'parents' = 'all'): string {
  const ahead = path.split('/').reverse();
  let at = '/';
  for (let part = ahead.pop(), links = 0; part !== undefined; part = ahead.pop()) {
    if (part === '' || part === '.') continue;
    if (part === '..') {
      at = dirname(at);
      continue;
    }
    const next = join(at, part);
    const node = ahead.length === 0 && upTo === 'parents' ? undefined : builder.get(next);
    if (node?.kind === 'symlink' && links++ < maxLinks) {
      if (node.target.startsWith('/')) at = '/';
      ahead.push(...node.target.split('/').reverse());
    } else {
      at = next;
    }
  }
  return at;
}
