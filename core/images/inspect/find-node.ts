import type { ImageNode, Volume } from '@firstlight/tfs';
import { FirstlightError } from '#shared/errors.ts';

/** The number of links that the kernel follows. Source: `SYMLINK_HOPS_MAX` in `src/fs/fs.c` of nanovms/nanos. */
const maxLinks = 40;

/** A path of the image, after links: the root directory, or a node that is not a link. */
export type FoundNode = Exclude<ImageNode, { kind: 'symlink' }>;

/**
 * The node that a path leads to in the guest: links are followed, `..` goes up to the root and no further.
 *
 * Errors: NOT_FOUND; BAD_INPUT for a path through a file, or links that lead in a circle.
 */
export function findNode(volume: Volume, path: string): FoundNode {
  const nodes = new Map(volume.nodes.map((node) => [node.path, node]));
  const left = path.split('/').reverse();
  let at: FoundNode = { kind: 'directory', path: '', depth: 0 };
  let links = 0;
  for (let name = left.pop(); name !== undefined; name = left.pop()) {
    if (name === '' || name === '.') continue;
    if (at.kind !== 'directory') throw new FirstlightError('BAD_INPUT', `${at.path} is a file, not a directory.`);
    if (name === '..') {
      at = { kind: 'directory', path: at.path.slice(0, Math.max(0, at.path.lastIndexOf('/'))), depth: 0 };
      continue;
    }
    const node = nodes.get(`${at.path}/${name}`);
    if (node === undefined) throw notThere(path, `${at.path}/${name}`);
    if (node.kind !== 'symlink') {
      at = node;
      continue;
    }
    if (++links > maxLinks) throw new FirstlightError('BAD_INPUT', `The links of ${path} lead in a circle.`);
    left.push(...node.target.split('/').reverse());
    if (node.target.startsWith('/')) at = { kind: 'directory', path: '', depth: 0 };
  }
  return at;
}

function notThere(path: string, missing: string): FirstlightError {
  const within = missing === path ? '' : `: ${missing} is missing`;
  return new FirstlightError('NOT_FOUND', `There is no ${path} in the image${within}.`, {
    hint: '`firstlight image ls` lists what there is.',
  });
}

/** The file a path leads to. Errors: as `findNode`; BAD_INPUT for a directory. */
export function findFile(volume: Volume, path: string): Extract<ImageNode, { kind: 'file' }> {
  const found = findNode(volume, path);
  if (found.kind === 'file') return found;
  throw new FirstlightError('BAD_INPUT', `${found.path || '/'} is a directory.`, {
    hint: '`firstlight image ls` lists what is in it, `image extract` takes it out.',
  });
}

/** The nodes below a directory, in their order. */
export function nodesBelow(volume: Volume, directory: string): ImageNode[] {
  const prefix = `${directory}/`;
  return volume.nodes.filter(({ path }) => path.startsWith(prefix));
}
