import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFileTree } from '@firstlight/files';
import { bytesFile, runTool } from '@firstlight/files/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rootFsAt } from './mbr.ts';
import { fakeBootParts } from './testing/boot-parts.ts';
import { writeDerived } from './write-derived.ts';
import { type DiskLayout, diskLayoutSchema, writeDisk } from './write-disk.ts';

const MiB = 1024 * 1024;
let dir: string;
let base: { path: string; layout: DiskLayout };
const runtime = createFileTree();
const fromBase = new Set(['/bin/runtime', '/lib/large']);

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fl-derived-'));
  runtime.add('/bin/runtime', bytesFile('the runtime'));
  runtime.add('/lib/large', bytesFile(Buffer.alloc(3 * MiB, 0x4c)));
  runtime.add('/etc/settings', bytesFile('of the base'));
  const path = join(dir, 'base');
  const boot = await fakeBootParts(dir);
  const layout = await writeDisk(path, { tree: runtime.tree, digest: 'base', boot, freeBytes: 64 * MiB });
  // The layout in the form that a caller reads from beside the base.
  base = { path, layout: diskLayoutSchema.parse(JSON.parse(JSON.stringify(layout))) };
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function toRaw(path: string): Promise<Buffer> {
  await runTool('qemu-img', ['check', path]);
  await runTool('qemu-img', ['convert', '-O', 'raw', path, `${path}.raw`]);
  return readFile(`${path}.raw`);
}

/** A file's bytes, at their place in the layout. */
function contentOf(disk: Buffer, layout: DiskLayout, path: string): Buffer {
  const placed = layout.root.files[path];
  if (placed === undefined) throw new Error(`${path} is nowhere`);
  const content = Buffer.alloc(placed.bytes);
  for (const [fileBlock, length, block] of placed.extents) {
    disk.copy(content, fileBlock * 512, rootFsAt + block * 512, rootFsAt + (block + length) * 512);
  }
  return content;
}

describe('a derived image', () => {
  it('holds what differs from its base, and reads as a whole disk', async () => {
    const tree = createFileTree();
    tree.addAll(runtime.tree);
    tree.add('/etc/settings', bytesFile('of the function'));
    tree.add('/app/index.js', bytesFile('code'));
    const path = join(dir, 'derived');
    const content = { tree: tree.tree, digest: 'derived', base, fromBase, freeBytes: 16 * MiB };
    const layout = await writeDerived(path, content);

    expect(layout.bytes).toBe(base.layout.bytes);
    expect((await stat(path)).size).toBeLessThan(MiB);
    expect(layout.root.files['/lib/large']).toEqual(base.layout.root.files['/lib/large']);
    const disk = await toRaw(path);
    expect(disk.length).toBe(layout.bytes);
    expect(contentOf(disk, layout, '/bin/runtime').toString()).toBe('the runtime');
    expect(contentOf(disk, layout, '/lib/large').equals(Buffer.alloc(3 * MiB, 0x4c))).toBe(true);
    expect(contentOf(disk, layout, '/etc/settings').toString()).toBe('of the function');
    expect(contentOf(disk, layout, '/app/index.js').toString()).toBe('code');
    // The base is unchanged.
    const below = await readFile(base.path);
    expect(contentOf(below, base.layout, '/etc/settings').toString()).toBe('of the base');
    expect(disk.subarray(0, rootFsAt).equals(below.subarray(0, rootFsAt))).toBe(true);
  });

  it('is larger than its base where its files are, and says so in the partition table', async () => {
    const tree = createFileTree();
    tree.addAll(runtime.tree);
    tree.add('/app/model', bytesFile(Buffer.alloc(80 * MiB, 0x6d)));
    const path = join(dir, 'larger');
    const layout = await writeDerived(path, { tree: tree.tree, digest: 'larger', base, fromBase });
    const disk = await toRaw(path);
    expect(layout.bytes).toBeGreaterThan(base.layout.bytes + 10 * MiB);
    expect(disk.length).toBe(layout.bytes);
    expect(disk.readUInt32LE(462 + 12) * 512).toBe(layout.root.bytes);
    expect(disk.subarray(512, 4608).equals((await readFile(base.path)).subarray(512, 4608))).toBe(true);
    expect(contentOf(disk, layout, '/app/model').equals(Buffer.alloc(80 * MiB, 0x6d))).toBe(true);
  });

  it('is the same file for the same content', async () => {
    const paths = [join(dir, 'first'), join(dir, 'second')];
    for (const path of paths) await writeDerived(path, { tree: runtime.tree, digest: 'same', base, fromBase });
    const [first, second] = await Promise.all(paths.map((path) => readFile(path)));
    expect(first?.equals(second ?? Buffer.alloc(0))).toBe(true);
  });

  it('is not made of files that its base does not have', async () => {
    const path = join(dir, 'refused');
    const tree = createFileTree();
    tree.add('/not/there', bytesFile('x'));
    const refused = writeDerived(path, { tree: tree.tree, digest: 'd', base, fromBase: new Set(['/not/there']) });
    await expect(refused).rejects.toMatchObject({
      reason: 'not-in-base',
      message: expect.stringContaining('/not/there'),
    });
    await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it.each([
    ['is gone', 'read-failed', () => Promise.resolve()],
    ['was cut off', 'base-changed', (path: string) => writeFile(path, 'the base')],
  ])('is not made when its base %s', async (_, reason, make) => {
    const path = join(dir, 'no-base');
    const gone = { path: join(dir, 'gone'), layout: base.layout };
    await make(gone.path);
    const refused = writeDerived(path, { tree: runtime.tree, digest: 'd', base: gone, fromBase });
    await expect(refused).rejects.toMatchObject({ reason, message: expect.stringContaining(gone.path) });
    await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
