import { expect, it } from 'vitest';
import type { ImageEntry } from '#shared/model/image-tree.ts';
import { bytes } from '#shared/model/units.ts';
import { buildTree, findNode, firstOpen, foldersAbove, type ImageNode, listRows } from './image-tree.ts';
import { layoutMap } from './treemap.ts';

const entry = (path: string, size: number, kind: ImageEntry['kind'] = 'file'): ImageEntry => ({
  path,
  kind,
  bytes: bytes(size),
  storedBytes: bytes(size),
  target: kind === 'symlink' ? '/elsewhere' : null,
});

const root = buildTree([
  entry('/bin', 0, 'directory'),
  entry('/bin/node', 900),
  entry('/bin/link', 0, 'symlink'),
  entry('/etc', 0, 'directory'),
  entry('/etc/passwd', 10),
  entry('/etc/ssl', 0, 'directory'),
  entry('/etc/ssl/certs.pem', 50),
  entry('/readme', 40),
]);
const shown = (open: readonly string[], filter = '') =>
  listRows(root, new Set(open), filter).map((row) => `${row.level} ${row.node.path}`);
const node = (path: string): ImageNode => {
  const found = findNode(root, path);
  if (found === null) throw new Error(`There is ${path}.`);
  return found;
};

it('counts what is below a folder, and puts the biggest first', () => {
  expect(root.storedBytes).toBe(1_000);
  expect(root.files).toBe(4);
  expect(node('/etc')).toMatchObject({ storedBytes: 60, files: 2 });
  expect(root.children.map((child) => child.name)).toEqual(['bin', 'etc', 'readme']);
  expect(node('/etc').children.map((child) => child.name)).toEqual(['ssl', 'passwd']);
});

it('makes up folders that a cut listing lacks', () => {
  const cut = buildTree([entry('/a/b/c.txt', 5), entry('/top', 1)]);
  expect(findNode(cut, '/a/b')).toMatchObject({ kind: 'directory', storedBytes: 5, files: 1 });
  expect(cut.storedBytes).toBe(6);
});

it('lists what open folders hold, with the places ARIA wants', () => {
  expect(shown([])).toEqual(['1 /bin', '1 /etc', '1 /readme']);
  expect(shown(['/etc', '/etc/ssl'])).toEqual([
    '1 /bin',
    '1 /etc',
    '2 /etc/ssl',
    '3 /etc/ssl/certs.pem',
    '2 /etc/passwd',
    '1 /readme',
  ]);
  expect(listRows(root, new Set(['/etc']), '')[3]).toMatchObject({ position: 2, siblings: 2, open: false });
});

it('filters by letters of the path, in any case, and shows the way to what it found', () => {
  expect(shown([], 'CERTS')).toEqual(['1 /etc', '2 /etc/ssl', '3 /etc/ssl/certs.pem']);
  expect(shown([], 'ssl')).toEqual(['1 /etc', '2 /etc/ssl', '3 /etc/ssl/certs.pem']);
  expect(shown([], 'nothing')).toEqual([]);
});

it('opens the way to the biggest file, and knows the folders above a node', () => {
  expect([...firstOpen(root)]).toEqual(['/bin']);
  expect(foldersAbove(node('/etc/ssl/certs.pem'))).toEqual(['/etc/ssl', '/etc', '/']);
  expect(findNode(root, '/etc/nowhere')).toBeNull();
});

it('draws areas in proportion, inside their folder, without overlap', () => {
  const tiles = layoutMap(root, 400, 300);
  const top = tiles.filter((tile) => tile.depth === 1);
  const area = (tile: { width: number; height: number } | undefined) => (tile?.width ?? 0) * (tile?.height ?? 0);
  expect(area(top[0]) / (400 * 300)).toBeCloseTo(0.9, 1);
  for (const [index, a] of top.entries()) {
    expect(a.x >= 0 && a.y >= 0 && a.x + a.width <= 400 && a.y + a.height <= 300).toBe(true);
    for (const b of top.slice(index + 1)) {
      const apart = a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
      expect(apart, `${a.node.path} and ${b.node.path}`).toBe(true);
    }
  }
  const frame = tiles.find((tile) => tile.node.path === '/bin');
  const inside = tiles.find((tile) => tile.node.path === '/bin/node');
  expect(frame?.framed).toBe(true);
  expect(inside?.x).toBeGreaterThan(frame?.x ?? 0);
});

it('keeps tiles as square as it can: ten equal files make no thin strips', () => {
  const equal = buildTree(Array.from({ length: 10 }, (_, index) => entry(`/f${index}`, 100)));
  const tiles = layoutMap(equal, 300, 300);
  expect(tiles).toHaveLength(10);
  for (const { width, height } of tiles) expect(Math.max(width / height, height / width)).toBeLessThan(2.5);
});

it('draws nothing of nothing', () => {
  expect(layoutMap(buildTree([]), 300, 300)).toEqual([]);
  expect(layoutMap(root, 0, 0)).toEqual([]);
});
