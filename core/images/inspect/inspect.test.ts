import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeDisk } from '@firstlight/disk';
import { createFileTree } from '@firstlight/files';
import { runTool } from '@firstlight/files/testing';
import type { Tuple } from '@firstlight/tfs';
import { writeVolume } from '@firstlight/tfs';
import { encode, fileTuple, symbol, varint, volumeBytes, type Written, whole } from '@firstlight/tfs/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contentOf } from '../testing/read-content.ts';
import { describeImage } from './describe-image.ts';
import { diffImages } from './diff-images.ts';
import { extract } from './extract.ts';
import { findFile, findNode } from './find-node.ts';
import { listTree } from './list-tree.ts';
import { withImage } from './open-image.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fl-inspect-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const { signal } = new AbortController();
const quietly = { signal, onProgress: () => undefined };
const root: Tuple = new Map<string, string | string[] | Map<string, string>>([
  ['program', '/bin/app'],
  ['arguments', ['app', '--port', '8080']],
  ['environment', new Map([['NAME', 'value']])],
  ['klibs', 'bootfs'],
]);

/** A tree with every kind of node. */
async function sampleTree() {
  const host = join(dir, 'host.bin');
  await writeFile(host, Buffer.alloc(300_000, 'host'));
  const builder = createFileTree();
  const text = (path: string, data: string) =>
    builder.add(path, {
      kind: 'file',
      content: { kind: 'bytes', data: Buffer.from(data) },
      bytes: Buffer.byteLength(data),
    });
  builder.add('/bin/app', { kind: 'file', content: { kind: 'host', path: host }, bytes: 300_000 });
  text('/etc/passwd', 'root\n');
  text('/etc/empty', '');
  text('/data/größe – 大小', 'name\n');
  text(`/deep${'/d'.repeat(36)}/leaf`, 'leaf');
  text(`/${'n'.repeat(255)}`, 'long');
  builder.add('/lib', { kind: 'symlink', target: 'bin' });
  builder.add('/loop', { kind: 'symlink', target: '/loop' });
  builder.add('/out', { kind: 'symlink', target: '../../../../etc/passwd' });
  builder.add('/nothing', { kind: 'directory' });
  return builder.tree;
}

async function fakeBoot() {
  const bootImage = join(dir, 'boot.img');
  const kernel = join(dir, 'kernel.img');
  const klib = join(dir, 'tls');
  const code = Buffer.alloc(1024, 0x90);
  code.writeBigUInt64LE(512n, 434);
  code.writeUInt32LE(12, 442);
  code.fill(0, 446);
  code.writeUInt16LE(0xaa55, 510);
  await writeFile(bootImage, code);
  await writeFile(kernel, 'a kernel');
  await writeFile(klib, 'a klib');
  return { bootImage, kernel, klibs: new Map([['tls', klib]]) };
}

describe('an image that was written here', () => {
  it('is read back: every file, link and directory, and the options', async () => {
    const path = join(dir, 'whole.raw');
    const tree = await sampleTree();
    await writeDisk(path, { tree, root, label: 'sample', digest: 'd', boot: await fakeBoot() });
    const [listing, info, boot] = await withImage(path, async (image) => [
      listTree(await image.volume('root'), 'root', '/', 1000),
      await describeImage(image, 'root'),
      listTree(await image.volume('boot'), 'boot', '/', 1000),
    ]);
    const expected = [...tree].map(([file, node]) => [file, node.kind, node.kind === 'file' ? node.bytes : null]);
    const listed = listing.entries.map(({ path: file, kind, bytes }) => [file, kind, kind === 'file' ? bytes : null]);
    expect(listed.sort()).toEqual(expected.sort());
    expect(listing.totals).toMatchObject({ files: 6, symlinks: 3 });
    expect(await contentOf(path, '/lib/app')).toBe('host'.repeat(75_000));
    expect(await contentOf(path, '/data/größe – 大小')).toBe('name\n');
    expect(boot.entries.map((entry) => entry.path)).toEqual(['/kernel', '/klib', '/klib/tls']);
    expect(info).toMatchObject({
      format: 'raw',
      partitions: [{ kind: 'boot' }, { kind: 'root' }],
      fileSystem: {
        version: 5,
        label: 'sample',
        program: '/bin/app',
        arguments: ['app', '--port', '8080'],
        environment: { NAME: 'value' },
        klibs: ['tls'],
        options: { klibs: 'bootfs' },
        warnings: [],
      },
    });
    expect(info.fileSystem?.freeBytes).toBeGreaterThan(15 * 1024 ** 2);
  });

  it('is found as the guest finds it, and the listing says where it was cut', async () => {
    const path = join(dir, 'find.raw');
    await writeVolume(path, { tree: await sampleTree(), digest: 'd' });
    await withImage(path, async (image) => {
      const volume = await image.volume('root');
      expect(findNode(volume, '/lib/../etc/./passwd')).toMatchObject({ path: '/etc/passwd' });
      expect(findNode(volume, '../../etc')).toMatchObject({ path: '/etc', kind: 'directory' });
      expect(findNode(volume, '/out')).toMatchObject({ path: '/etc/passwd' });
      expect(() => findNode(volume, '/loop')).toThrow(/in a circle/);
      expect(() => findNode(volume, '/etc/passwd/x')).toThrow(/is a file/);
      expect(() => findNode(volume, '/etc/no/such')).toThrow(/\/etc\/no is missing/);
      expect(() => findFile(volume, '/etc')).toThrow(/is a directory/);
      const some = listTree(volume, 'root', '/etc', 1);
      expect(some).toMatchObject({ path: '/etc', truncated: true, totals: { files: 2 } });
      expect(some.entries.map((entry) => entry.path)).toEqual(['/etc/empty']);
      await expect(image.volume('boot')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    });
  });

  it('is named where another system wrote it: the whole, or a partition', async () => {
    const bytes = Buffer.alloc(1 << 20);
    bytes.writeUInt16LE(0xaa55, 510);
    bytes.writeUInt32LE(64, 446 + 8);
    bytes.writeUInt32LE(1024, 446 + 12);
    bytes.write('XFSB', 64 * 512, 'latin1');
    const path = join(dir, 'linux.raw');
    await writeFile(path, bytes);
    await expect(withImage(path, (image) => image.volume('root'))).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
      message: expect.stringContaining('It holds a file system of Linux (XFS)'),
    });
    bytes.write('EFI PART', 512, 'latin1');
    await writeFile(path, bytes);
    await runTool('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', path, `${path}.qcow2`]);
    await expect(withImage(`${path}.qcow2`, async () => null)).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
      message: expect.stringContaining('GPT'),
    });
  });

  it('is compared with another: options, and files by content', async () => {
    const before = join(dir, 'before.raw');
    const after = join(dir, 'after.raw');
    const tree = await sampleTree();
    await writeVolume(before, { tree, root, digest: 'a' });
    const builder = createFileTree();
    builder.addAll(tree);
    builder.remove('/nothing');
    builder.add('/etc/passwd', { kind: 'file', content: { kind: 'bytes', data: Buffer.from('user\n') }, bytes: 5 });
    builder.add('/etc/empty', { kind: 'file', content: { kind: 'bytes', data: Buffer.from('x') }, bytes: 1 });
    builder.add('/lib', { kind: 'symlink', target: 'sbin' });
    builder.add('/loop', { kind: 'directory' });
    const changed = new Map(root).set('environment', new Map([['NAME', 'other']])).set('debug_exit', 't');
    await writeVolume(after, { tree: builder.tree, root: changed, digest: 'b' });
    const diff = (a: string, b: string) =>
      withImage(a, async (one) =>
        withImage(b, async (other) => diffImages(await one.volume('root'), await other.volume('root'), signal)),
      );
    expect(await diff(before, before)).toEqual({ same: true, changes: [], truncated: false });
    const { changes } = await diff(before, after);
    expect(changes.map(({ kind, subject, what }) => [kind, subject, ...what])).toEqual([
      ['added', 'debug_exit', 'value'],
      ['changed', 'environment.NAME', 'value'],
      ['changed', '/etc/empty', 'size'],
      ['changed', '/etc/passwd', 'content'],
      ['changed', '/lib', 'target'],
      ['changed', '/loop', 'kind'],
      ['removed', '/nothing'],
    ]);
  });
});

describe('extracting', () => {
  it('writes the tree, holes as holes, and makes links without following one', async () => {
    const path = join(dir, 'extract.raw');
    const to = join(dir, 'extracted');
    await writeVolume(path, { tree: await sampleTree(), digest: 'd' });
    await mkdir(to);
    const counts = await withImage(path, async (image) => extract(await image.volume('root'), '/', to, quietly));
    expect(counts).toMatchObject({ files: 6, symlinks: 3 });
    expect(await readFile(join(to, 'bin/app'), 'utf8')).toBe('host'.repeat(75_000));
    expect(await readlink(join(to, 'out'))).toBe('../../../../etc/passwd');
    expect(await readdir(join(to, 'nothing'))).toEqual([]);
    await expect(
      withImage(path, async (image) => extract(await image.volume('root'), '/', to, quietly)),
    ).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    const one = join(dir, 'one');
    await withImage(path, async (image) => extract(await image.volume('root'), '/lib/app', one, quietly));
    expect(await readdir(one)).toEqual(['app']);
  });

  it('takes a file of a TiB in no time and no room, and one of two names once', async () => {
    const path = join(dir, 'sparse.raw');
    const sparse: Written = { children: { a: { filelength: 1024n ** 4n, extents: {} } } };
    const again = { ref: 3, set: { b: { raw: [0x10, ...varint(5)] } } };
    await writeFile(path, volumeBytes({ log: [...whole(encode(sparse)), ...whole(encode(again))] }));
    const to = join(dir, 'sparse');
    const result = await withImage(path, async (image) => extract(await image.volume('root'), '/', to, quietly));
    expect(result).toEqual({ files: 2, directories: 0, symlinks: 0, bytes: 1024 ** 4 });
    const [a, b] = await Promise.all([stat(join(to, 'a')), stat(join(to, 'b'))]);
    expect([a.blocks < 100, a.ino === b.ino]).toEqual([true, true]);
  });

  it('refuses names that lead out, and leaves nothing behind', async () => {
    const bad = join(dir, 'bad');
    await mkdir(bad);
    const image = join(bad, 'image');
    await writeFile(image, volumeBytes({ log: whole(encode({ children: { '../evil': { linktarget: '/x' } } })) }));
    await expect(
      withImage(image, async (open) => extract(await open.volume('root'), '/', join(bad, 'to'), quietly)),
    ).rejects.toMatchObject({ code: 'IMAGE_INVALID' });

    // A link in the place of a directory, and below it a file: the tree cannot express it, so it cannot be followed.
    const twice = [0x91, ...symbol('children'), 0x92, ...symbol('d'), ...encode({ linktarget: bad }), ...symbol('d')];
    await writeFile(
      image,
      volumeBytes({ log: whole([...twice, ...encode({ children: { evil: fileTuple(1, []) } })]) }),
    );
    const counts = await withImage(image, async (open) =>
      extract(await open.volume('root'), '/', join(bad, 'to'), quietly),
    );
    expect(counts).toMatchObject({ directories: 1, files: 1, symlinks: 0 });
    expect((await readdir(bad)).sort()).toEqual(['image', 'to']);
  });

  it('leaves nothing behind when it is cancelled', async () => {
    const path = join(dir, 'cancel.raw');
    await writeVolume(path, { tree: await sampleTree(), digest: 'd' });
    const place = join(dir, 'cancelled');
    await mkdir(place);
    const abort = new AbortController();
    const onProgress = () => abort.abort();
    await expect(
      withImage(path, async (image) =>
        extract(await image.volume('root'), '/', join(place, 'to'), { signal: abort.signal, onProgress }),
      ),
    ).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(await readdir(place)).toEqual([]);
  });
});

describe('a damaged image', () => {
  it.each<[string, (path: string) => Promise<void>, object]>([
    ['a file that is not there', async () => undefined, { code: 'NOT_FOUND' }],
    ['a folder', (path) => mkdir(path).then(() => undefined), { code: 'BAD_INPUT' }],
    ['a device', (path) => symlink('/dev/zero', path), { code: 'BAD_INPUT' }],
    ['text', (path) => writeFile(path, 'hello'), { code: 'IMAGE_INVALID' }],
    ['nothing', (path) => writeFile(path, ''), { code: 'IMAGE_INVALID' }],
  ])('%s is refused', async (name, make, error) => {
    const path = join(dir, `no ${name}`);
    await make(path);
    await expect(withImage(path, (image) => image.volume('root'))).rejects.toMatchObject(error);
  });

  it('a disk that was cut short is refused with the place of its partition’s entry', async () => {
    const path = join(dir, 'short.raw');
    await writeDisk(path, { tree: await sampleTree(), digest: 'd', boot: await fakeBoot() });
    await truncate(path, 14 * 1024 ** 2);
    await expect(withImage(path, (image) => image.volume('root'))).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
      message: expect.stringMatching(/the root partition ends at byte \d+, and the disk has 14680064: .* byte 462/),
    });
  });

  it('options without end are refused', async () => {
    const path = join(dir, 'endless');
    // 1 the root, 2 "a", 3 its tuple.
    const log = [
      ...whole(encode({ a: {} })),
      ...whole(encode({ ref: 3, set: { again: { raw: [0x10, ...varint(3)] } } })),
    ];
    await writeFile(path, volumeBytes({ log }));
    await expect(withImage(path, (image) => describeImage(image, 'root'))).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
      message: expect.stringContaining('have no end'),
    });
  });

  it('a kernel has sections and no file system', async () => {
    const path = process.execPath;
    const info = await withImage(path, (image) => describeImage(image, 'root'));
    expect(info).toMatchObject({ format: 'elf', fileSystem: null, partitions: [] });
    expect(info.sections).toContainEqual({ name: '.bss', bytes: expect.any(Number), inFile: false });
    expect(info.sections.find(({ name }) => name === '.text')?.inFile).toBe(true);
    await expect(withImage(path, (image) => image.volume('root'))).rejects.toMatchObject({ code: 'BAD_INPUT' });
  });

  it('a first partition for UEFI moves the others on by one', async () => {
    const path = join(dir, 'uefi.raw');
    await writeDisk(path, { tree: await sampleTree(), root, digest: 'd', boot: await fakeBoot() });
    const sector = (await readFile(path)).subarray(0, 512);
    const moved = Buffer.from(sector);
    sector.copy(moved, 462, 446, 478);
    // One empty sector.
    moved.fill(0, 446, 462);
    moved[450] = 0xef;
    moved.writeUInt32LE(1, 454);
    moved.writeUInt32LE(1, 458);
    await writeFile(path, moved, { flag: 'r+' });
    const info = await withImage(path, (image) => describeImage(image, 'root'));
    expect(info.partitions.map(({ kind }) => kind)).toEqual(['uefi', 'boot', 'root']);
    expect(info.fileSystem?.program).toBe('/bin/app');
  });
});
