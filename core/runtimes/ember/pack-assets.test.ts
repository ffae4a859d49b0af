import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openAssets } from '../../bundle/shims/assets.ts';
import { appendAssets, assetsMostBytes } from './pack-assets.ts';

let home: string;
let dir: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'fl-assets-'));
  dir = join(home, 'public');
  await mkdir(join(dir, 'img/deep'), { recursive: true });
  await writeFile(join(dir, 'index.html'), '<h1>hé</h1>');
  await writeFile(join(dir, 'img/a.bin'), Buffer.alloc(100_000, 7));
  await writeFile(join(dir, 'img/deep/empty'), '');
  await writeFile(join(dir, 'é'), 'accent');
});
afterEach(() => rm(home, { recursive: true }));

let count = 0;
/** An image of 1000 bytes with the folder behind it. */
async function pack(folder = dir): Promise<Buffer> {
  const image = join(home, `image-${++count}`);
  await writeFile(image, Buffer.alloc(1000, 1));
  const bytes = await appendAssets(image, folder, new AbortController().signal);
  const made = await readFile(image);
  expect(made.length).toBe(bytes);
  return made;
}

/** What the guest has in place of a disk. */
const diskOf =
  (disk: Buffer) =>
  (operation: number, ...args: unknown[]) => {
    if (operation === 0) new Uint32Array(args[0] as ArrayBuffer)[0] = Math.ceil(disk.length / 512);
    else {
      const to = new Uint8Array(args[1] as ArrayBuffer);
      const at = Number(args[0]) * 512;
      if (at + to.length > Math.ceil(disk.length / 512) * 512) return;
      to.set(disk.subarray(at, at + to.length));
      new Uint32Array(args[2] as ArrayBuffer)[0] = 1;
    }
  };

/** The text of a file; null where there is none. */
function textOf(disk: Buffer, path: string): string | null {
  const assets = openAssets(diskOf(disk));
  const found = assets.find(path);
  return found !== undefined && 'file' in found ? Buffer.from(assets.read(found.file)).toString() : null;
}

it('packs a folder behind an image, so that the guest finds each file and folder', async () => {
  const disk = await pack();
  expect(disk.subarray(0, 1000)).toEqual(Buffer.alloc(1000, 1));
  expect(disk.length % 512).toBe(0);
  expect(textOf(disk, 'index.html')).toBe('<h1>hé</h1>');
  expect(textOf(disk, 'img/deep/empty')).toBe('');
  expect(textOf(disk, 'é')).toBe('accent');
  expect(textOf(disk, 'img/a.bin')?.length).toBe(100_000);
  const assets = openAssets(diskOf(disk));
  expect(assets.find('')).toEqual({ names: ['img', 'index.html', 'é'] });
  expect(assets.find('img')).toEqual({ names: ['a.bin', 'deep'] });
  expect([assets.find('img/'), assets.find('no'), assets.find('index.html/x')]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

it('gives equal bytes for equal files', async () => {
  const before = await pack();
  await utimes(join(dir, 'index.html'), 1, 1);
  await mkdir(join(dir, 'nothing'));
  expect(await pack()).toEqual(before);
  await writeFile(join(dir, 'index.html'), '<h1>he</h1>');
  expect(await pack()).not.toEqual(before);
});

it('is the last part of an image without files, too', async () => {
  await mkdir(join(home, 'nothing'));
  expect(openAssets(diskOf(await pack(join(home, 'nothing')))).find('')).toEqual({ names: [] });
});

it('follows a link to a file of the folder, and no other', async () => {
  await symlink('img/a.bin', join(dir, 'link'));
  expect(textOf(await pack(), 'link')?.length).toBe(100_000);
  await symlink('img', join(dir, 'folder'));
  await expect(pack()).rejects.toMatchObject({
    code: 'BAD_INPUT',
    message: expect.stringContaining('folder is a link'),
  });
  await rm(join(dir, 'folder'));
  await writeFile(join(home, 'secret'), 'secret');
  await symlink('../secret', join(dir, 'escape'));
  await expect(pack()).rejects.toMatchObject({
    code: 'PATH_ESCAPES',
    message: expect.stringContaining('escape leads to'),
  });
  await rm(join(dir, 'escape'));
  await symlink('nowhere', join(dir, 'broken'));
  await expect(pack()).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

it('says what it cannot pack', async () => {
  await expect(pack(join(home, 'missing'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(pack(join(dir, 'index.html'))).rejects.toMatchObject({
    message: expect.stringContaining('is no folder'),
  });
  execFileSync('mkfifo', [join(dir, 'pipe')]);
  await expect(pack()).rejects.toMatchObject({ message: expect.stringContaining('pipe is neither') });
  await rm(join(dir, 'pipe'));
  await writeFile(Buffer.concat([Buffer.from(`${dir}/`), Buffer.from([0xff])]), '');
  await expect(pack()).rejects.toMatchObject({ message: expect.stringContaining('not UTF-8') });
});

it('refuses more than a gigabyte, and leaves off when it is cancelled', async () => {
  await truncate(join(dir, 'img/a.bin'), assetsMostBytes);
  const image = join(home, 'cancelled');
  await writeFile(image, '');
  await expect(appendAssets(image, dir, AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop');
});

it('finds a broken disk broken, and never reads outside it', async () => {
  const disk = await pack();
  expect(() => openAssets(diskOf(Buffer.alloc(0)))).toThrow(/^ENODEV: /);
  for (const length of [512, 1024, disk.length - 512, disk.length - 700])
    expect(() => openAssets(diskOf(disk.subarray(0, length))), `${length}`).toThrow(/^EIO: /);
  const random = (below: number) => Math.floor(Math.random() * below);
  for (let i = 0; i < 3000; i++) {
    const broken = Buffer.from(disk);
    // The index and the last sector.
    for (let flips = random(4); flips >= 0; flips--) {
      const at = disk.length - 1 - random(1024);
      broken[at] = (broken[at] ?? 0) ^ (1 << random(8));
    }
    try {
      const assets = openAssets(diskOf(broken));
      for (const path of ['index.html', 'img/a.bin', 'img/deep/empty']) {
        const found = assets.find(path);
        if (found !== undefined && 'file' in found) expect(assets.read(found.file).length).toBe(found.file.bytes);
      }
    } catch (error) {
      expect(error).toMatchObject({ code: 'EIO' });
    }
  }
});
