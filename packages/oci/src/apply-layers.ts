import type { PathTree } from '@firstlight/tar';
import { addUnpacked } from '@firstlight/tar';
import type { Layer } from './blob-cache.ts';

const whiteoutPrefix = '.wh.';
const opaqueName = '.wh..wh..opq';

/**
 * Puts a layer over those below it. Whiteouts remove only nodes of the layers below, at any position in the layer and
 * with any kind of entry.
 *
 * Errors: as the tree's. Source: the OCI image specification, "Layer"; containerd's `archive.Apply`.
 */
export function applyLayer(tree: PathTree, { entries, dir }: Layer): void {
  // A folder replaces a link before the folder's entries apply: the link's target is a separate folder.
  for (const { kind, path } of entries) {
    const below = kind === 'directory' ? tree.get(path) : undefined;
    if (below !== undefined && below.kind !== 'directory') tree.add(path, { kind: 'directory' });
  }
  // A hard link may be to a file below that the layer itself takes away: its content is kept under the new name.
  const linked = new Map(
    entries.flatMap((entry) => {
      const target = entry.kind === 'link' ? tree.get(entry.target) : undefined;
      return target === undefined || target.kind === 'directory' ? [] : [[entry.path, target] as const];
    }),
  );
  const whiteouts = entries.filter(({ path }) => nameOf(path).startsWith(whiteoutPrefix));
  for (const { path } of whiteouts) {
    const parent = path.slice(0, path.lastIndexOf('/')) || '/';
    const name = nameOf(path);
    if (name === opaqueName) tree.clear(parent);
    // Other names with `.wh..wh.` belong to the file system of the layer's maker.
    else if (!name.startsWith(whiteoutPrefix.repeat(2))) tree.remove(`${parent}/${name.slice(whiteoutPrefix.length)}`);
  }
  for (const entry of entries) {
    if (nameOf(entry.path).startsWith(whiteoutPrefix)) continue;
    const below = linked.get(entry.path);
    if (entry.kind === 'link' && below !== undefined && tree.get(entry.target) === undefined)
      tree.add(entry.path, below);
    else addUnpacked(tree, entry, dir);
  }
}

const nameOf = (path: string) => path.slice(path.lastIndexOf('/') + 1);
