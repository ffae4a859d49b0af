import { formatBytes } from '#shared/format.ts';
import type { ImageEntry, ImageTree } from '#shared/model/image-tree.ts';
import { showName } from './show-name.ts';
import type { Style } from './style.ts';
import { renderTable } from './table.ts';

/** The count of entries that are listed at the end as the largest. */
const shownLargest = 5;

/** A listing with sizes, a line per entry. */
export function renderImageList({ path, entries, truncated }: ImageTree, style: Style): string {
  if (entries.length === 0) return 'There is nothing in it.\n';
  const below = path === '/' ? 1 : path.length + 1;
  const rows = entries.map((entry) => {
    const name = showName(entry.path === path ? path : entry.path.slice(below), style);
    const size = entry.kind === 'file' ? String(entry.bytes) : '';
    const stored = entry.kind === 'file' ? String(entry.storedBytes) : '';
    return [entry.kind, size, stored, `${name}${suffixOf(entry, style)}`];
  });
  const table = renderTable(['KIND', '>BYTES', '>STORED', 'NAME'], rows, style);
  return truncated ? `${table}${style.dim('There are more entries than are listed.\n')}` : table;
}

function suffixOf({ kind, target }: ImageEntry, style: Style): string {
  if (kind === 'directory') return '/';
  return target === null ? '' : ` -> ${showName(target, style)}`;
}

/** A node with everything below it. Units: `bytes` stored in the image. */
interface Branch {
  readonly name: string;
  readonly entry: ImageEntry | null;
  readonly branches: Branch[];
  bytes: number;
  files: number;
}

/** The tree to a depth, in each directory the largest first; then the largest files of all. */
export function renderImageTree(tree: ImageTree, depth: number, style: Style): string {
  const root = growTree(tree);
  const total = root.bytes;
  const size = (bytes: number) => formatBytes(bytes).padStart(8);
  const share = (bytes: number) => `${Math.round((total === 0 ? 0 : bytes / total) * 100)} %`.padStart(5);
  const [tee, end, bar] = style.unicode ? ['├── ', '└── ', '│   '] : ['|-- ', '`-- ', '|   '];
  const lines = [`${size(total)} ${share(total)}  ${style.bold(showName(tree.path, style))}`];

  function draw(branch: Branch, indent: string, level: number): void {
    const branches = branch.branches.toSorted((a, b) => b.bytes - a.bytes || (a.name < b.name ? -1 : 1));
    for (const [index, child] of branches.entries()) {
      const isLast = index === branches.length - 1;
      const hidden = level === depth && child.branches.length > 0 ? style.dim(`  ${child.files} files`) : '';
      const name = `${showName(child.name, style)}${child.entry === null ? '' : suffixOf(child.entry, style)}`;
      lines.push(
        `${size(child.bytes)} ${share(child.bytes)}  ${style.dim(indent + (isLast ? end : tee))}${name}${hidden}`,
      );
      if (level < depth) draw(child, indent + (isLast ? '    ' : bar), level + 1);
    }
  }
  draw(root, '', 1);

  const { files, directories, symlinks, bytes, storedBytes } = tree.totals;
  lines.push(
    '',
    `${files} files, ${directories} directories, ${symlinks} links: ${formatBytes(bytes)}, stored in ${formatBytes(storedBytes)}`,
  );
  const largest = tree.entries.toSorted((a, b) => b.storedBytes - a.storedBytes).slice(0, shownLargest);
  const rows = largest.filter(({ storedBytes: stored }) => stored > 0);
  if (rows.length > 0) lines.push('', style.dim('Takes most:'));
  for (const { path, storedBytes: stored } of rows)
    lines.push(`${size(stored)} ${share(stored)}  ${showName(path, style)}`);
  if (tree.truncated) lines.push(style.dim('There are more entries than are counted here.'));
  return `${lines.join('\n')}\n`;
}

function growTree(tree: ImageTree): Branch {
  const root: Branch = { name: tree.path, entry: null, branches: [], bytes: 0, files: 0 };
  const known = new Map([[tree.path === '/' ? '' : tree.path, root]]);
  for (const entry of tree.entries) {
    const cut = entry.path.lastIndexOf('/');
    const branch: Branch = { name: entry.path.slice(cut + 1), entry, branches: [], bytes: 0, files: 0 };
    if (entry.kind === 'directory') known.set(entry.path, branch);
    // A single requested file has no directory here.
    (known.get(entry.path.slice(0, cut)) ?? root).branches.push(branch);
  }
  addUp(root);
  return root;
}

/** Paths have at most 4095 characters, so the recursion goes no deeper than half of that. */
function addUp(branch: Branch): void {
  branch.bytes = branch.entry?.storedBytes ?? 0;
  branch.files = branch.entry?.kind === 'file' ? 1 : 0;
  for (const child of branch.branches) {
    addUp(child);
    branch.bytes += child.bytes;
    branch.files += child.files;
  }
}
