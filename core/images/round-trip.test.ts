/** Random trees, written and read back. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BootParts, writeDerived, writeDisk, writeOverlay } from '@firstlight/disk';
import { fakeBootParts } from '@firstlight/disk/testing';
import { createFileTree, type FileTree } from '@firstlight/files';
import { bytesFile } from '@firstlight/files/testing';
import type { Tuple, TupleValue, Volume } from '@firstlight/tfs';
import { readFileBytes, uuidFor, writeVolume } from '@firstlight/tfs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withImage } from './inspect/open-image.ts';

let dir: string;
let boot: BootParts;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fl-round-trip-'));
  boot = await fakeBootParts(dir);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** Numbers that are the same in each run with the same seed. */
function createRandom(seed: number) {
  let state = seed;
  const below = (limit: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const pick = <Item>(items: readonly Item[]): Item => items[below(items.length)] as Item;
  return { below, pick };
}
type Random = ReturnType<typeof createRandom>;

/** Words of the format and of JavaScript, numbers, and names that file systems allow but programs mishandle. */
const names = [
  'children',
  'extents',
  'filelength',
  'linktarget',
  '0',
  '12',
  '__proto__',
  'constructor',
  'a',
  'b',
  '-',
  '…',
].concat(['name with spaces', 'ünïcödé', '日本語', '👩‍🚀', 'new\nline', 'x'.repeat(255), 'é'.repeat(127)]);
const sizes = [0, 1, 511, 512, 513, 4095, 4096, 4097, 65_535, 65_536, 65_537, 300_000, 1_048_576, 1_100_000];

function randomContent({ below, pick }: Random): Buffer {
  const data = Buffer.alloc(pick(sizes));
  // Stretches of data between holes.
  for (let at = 0; at < data.length; at += 1 + below(200_000))
    data.subarray(at, at + below(100_000)).fill(1 + below(255));
  return data;
}

function randomTree(random: Random): FileTree {
  const builder = createFileTree();
  const folders = [''];
  for (let count = random.below(40); count > 0; count--) {
    const path = `${random.pick(folders)}/${random.pick(names)}`;
    if (builder.get(path) !== undefined) continue;
    const kind = random.below(6);
    if (kind === 0) {
      builder.add(path, { kind: 'symlink', target: `${random.pick(['', '../', '/'])}${random.pick(names)}` });
    } else if (kind < 3) {
      builder.add(path, { kind: 'directory' });
      folders.push(path);
    } else {
      builder.add(path, bytesFile(randomContent(random)));
    }
  }
  return builder.tree;
}

function randomOptions(random: Random): Tuple {
  const value = (depth: number): TupleValue => {
    const kind = random.below(depth > 2 ? 2 : 4);
    if (kind === 0) return random.pick(['', 't', '日本', 'v'.repeat(random.below(20_000))]);
    if (kind === 1) return random.pick([0n, 1n, -1n, 127n, 128n, 2n ** 40n, -(2n ** 62n)]);
    if (kind === 2) return Array.from({ length: random.below(9) }, () => value(depth + 1));
    return new Map(names.slice(0, random.below(9)).map((name) => [name, value(depth + 1)]));
  };
  return new Map(['program', 'environment', '7'].map((name) => [name, value(0)]));
}

async function expectTree(volume: Volume, tree: FileTree): Promise<void> {
  expect(volume.nodes.map(({ path }) => path).sort()).toEqual([...tree.keys()].sort());
  for (const node of volume.nodes) {
    const given = tree.get(node.path);
    expect(node.kind).toBe(given?.kind);
    if (node.kind === 'symlink' && given?.kind === 'symlink') expect(node.target).toBe(given.target);
    if (node.kind !== 'file' || given?.kind !== 'file' || given.content.kind !== 'bytes') continue;
    const chunks: Uint8Array[] = [];
    for await (const chunk of readFileBytes(volume.disk, node.data)) chunks.push(Uint8Array.from(chunk));
    expect(Buffer.compare(Buffer.concat(chunks), given.content.data), node.path).toBe(0);
  }
}

function expectOptions(volume: Volume, options: Tuple): void {
  const found = new Map(volume.root);
  found.delete('children');
  expect(found).toEqual(options);
}

const rounds = Array.from({ length: 25 }, (_, seed) => seed + 1);

describe('a round trip', () => {
  it('to a volume', async () => {
    for (const seed of rounds) {
      const random = createRandom(seed);
      const [tree, root, label] = [randomTree(random), randomOptions(random), random.pick(['', 'data', 'ä b'])];
      const path = join(dir, `volume-${seed}`);
      await writeVolume(path, { tree, root, label, digest: String(seed) });
      await withImage(path, async (image) => {
        const volume = await image.volume('root');
        expect(volume.log.warnings).toEqual([]);
        expect(volume.log.label).toBe(label);
        expect(volume.log.uuid.replaceAll('-', '')).toBe(uuidFor(String(seed)).toString('hex'));
        expectOptions(volume, root);
        await expectTree(volume, tree);
      });
      await rm(path);
    }
  });

  it('to a disk, to what is derived from it, and to an overlay', async () => {
    for (const seed of rounds) {
      const random = createRandom(1000 + seed);
      const below = randomTree(random);
      const base = join(dir, `base-${seed}`);
      const layout = await writeDisk(base, { tree: below, digest: 'base', boot, freeBytes: random.below(3_000_000) });
      await withImage(base, async (image) => {
        expect(image.partitions).toHaveLength(2);
        expect((await image.volume('boot')).nodes.map(({ path }) => path)).toEqual(['/kernel']);
        await expectTree(await image.volume('root'), below);
      });

      const builder = createFileTree();
      for (const [path, node] of below) if (random.below(4) > 0) builder.add(path, node);
      builder.addAll(randomTree(random));
      const fromBase = new Set(
        [...builder.tree].filter(([path, node]) => below.get(path) === node).map(([path]) => path),
      );
      const root = randomOptions(random);
      const derived = join(dir, `derived-${seed}`);
      const content = { tree: builder.tree, root, digest: 'derived', base: { path: base, layout }, fromBase };
      const { bytes } = await writeDerived(derived, { ...content, freeBytes: random.below(3_000_000) });
      const overlay = join(dir, `overlay-${seed}`);
      await writeOverlay(overlay, { name: `derived-${seed}`, format: 'qcow2' }, bytes);
      for (const path of [derived, overlay]) {
        await withImage(path, async (image) => {
          expect((await image.volume('boot')).nodes.map((node) => node.path)).toEqual(['/kernel']);
          const volume = await image.volume('root');
          expect(volume.log.warnings).toEqual([]);
          expectOptions(volume, root);
          await expectTree(volume, builder.tree);
        });
      }
      for (const path of [overlay, derived, base]) await rm(path);
    }
  });
});
