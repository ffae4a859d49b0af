import type { ImageEntry } from '#shared/model/image-tree.ts';

/** A file, link or folder of an image, including the content below it. */
export interface ImageNode {
  readonly path: string;
  readonly name: string;
  readonly kind: ImageEntry['kind'];
  readonly target: string | null;
  /** A file's own length; 0 for a folder. */
  readonly bytes: number;
  readonly parent: ImageNode | null;
  /** Biggest first. */
  readonly children: readonly ImageNode[];
  /** Its size in the image, including everything below it. */
  readonly storedBytes: number;
  /** Files in it, or 1 for a file. */
  readonly files: number;
}

type Draft = { -readonly [Key in keyof ImageNode]: ImageNode[Key] } & { children: Draft[]; parent: Draft | null };

const folder = (path: string, parent: Draft | null): Draft => ({
  path,
  name: nameOf(path),
  kind: 'directory',
  target: null,
  bytes: 0,
  parent,
  children: [],
  storedBytes: 0,
  files: 0,
});

const nameOf = (path: string) => path.slice(path.lastIndexOf('/') + 1);

/** The root folder of a listing. A folder missing from a truncated listing is derived from the paths below it. */
export function buildTree(entries: readonly ImageEntry[]): ImageNode {
  const root = folder('/', null);
  const folders = new Map<string, Draft>([['', root]]);
  const folderAt = (path: string): Draft => {
    const known = folders.get(path);
    if (known !== undefined) return known;
    const parent = folderAt(path.slice(0, path.lastIndexOf('/')));
    const made = folder(path, parent);
    parent.children.push(made);
    folders.set(path, made);
    return made;
  };
  for (const entry of entries) {
    if (entry.kind === 'directory') folderAt(entry.path);
    else {
      const parent = folderAt(entry.path.slice(0, entry.path.lastIndexOf('/')));
      const { path, kind, target, bytes, storedBytes } = entry;
      const files = kind === 'file' ? 1 : 0;
      parent.children.push({ path, name: nameOf(path), kind, target, bytes, storedBytes, files, parent, children: [] });
    }
  }
  count(root);
  return root;
}

/** Sums up sizes from below, and sorts the biggest first. */
function count(node: Draft): void {
  for (const child of node.children) {
    if (child.kind === 'directory') count(child);
    node.storedBytes += child.storedBytes;
    node.files += child.files;
  }
  node.children.sort((a, b) => b.storedBytes - a.storedBytes || (a.name < b.name ? -1 : 1));
}

/** A visible line of the tree. Shape: `level`, `position` and `siblings` count from 1, as ARIA does. */
export interface TreeRow {
  readonly node: ImageNode;
  readonly level: number;
  readonly position: number;
  readonly siblings: number;
  readonly open: boolean;
}

/** The rows to show: the content of open folders; with a filter, the matches and the folders above them. */
export function listRows(root: ImageNode, open: ReadonlySet<string>, filter: string): readonly TreeRow[] {
  const wanted = filter.trim().toLowerCase();
  const kept = wanted === '' ? null : findMatches(root, wanted);
  const rows: TreeRow[] = [];
  const add = (node: ImageNode, level: number) => {
    const children = kept === null ? node.children : node.children.filter((child) => kept.has(child));
    for (const [index, child] of children.entries()) {
      const isOpen =
        child.kind === 'directory' &&
        (kept === null ? open.has(child.path) : child.children.some((below) => kept.has(below)));
      rows.push({ node: child, level, position: index + 1, siblings: children.length, open: isOpen });
      if (isOpen) add(child, level + 1);
    }
  };
  add(root, 1);
  return rows;
}

function findMatches(root: ImageNode, wanted: string): ReadonlySet<ImageNode> {
  const kept = new Set<ImageNode>();
  const visit = (node: ImageNode) => {
    if (node.path.toLowerCase().includes(wanted)) {
      for (let above: ImageNode | null = node; above !== null && !kept.has(above); above = above.parent)
        kept.add(above);
    }
    for (const child of node.children) visit(child);
  };
  for (const child of root.children) visit(child);
  return kept;
}

/** The folders to open at first: those above the biggest content. */
export function firstOpen(root: ImageNode): ReadonlySet<string> {
  const open = new Set<string>();
  for (let node = root.children[0]; node?.kind === 'directory' && open.size < 4; node = node.children[0]) {
    open.add(node.path);
  }
  return open;
}

/** The folders above a node, nearest first. */
export function foldersAbove(node: ImageNode): readonly string[] {
  const paths: string[] = [];
  for (let above = node.parent; above !== null; above = above.parent) paths.push(above.path);
  return paths;
}

/** The node with this path. */
export function findNode(root: ImageNode, path: string): ImageNode | null {
  let node: ImageNode = root;
  while (node.path !== path) {
    const next: ImageNode | undefined = node.children.find(
      (child) => path === child.path || path.startsWith(`${child.path}/`),
    );
    if (next === undefined) return null;
    node = next;
  }
  return node;
}
