/** A function that reads its folder of assets, from its own image as a disk. */
import { copyFile, mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { appendAssets } from '../../core/runtimes/ember/pack-assets.ts';
import { bundleIn } from './bundle.ts';
import { Functions } from './functions.ts';
import { whyNoKvm } from './kvm.ts';

const source = `
import fs, { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { readFile } from 'fs/promises';
const tell = (error: any) => ({ code: error.code, message: error.message });
const cases: Record<string, (event: any) => unknown> = {
  text: ({ path }) => readFileSync(path, 'utf8'),
  bytes: async ({ path }) => [...(await readFile(path))],
  hex: ({ path }) => readFileSync(new URL(path)).toString('hex'),
  called: ({ path }) => new Promise((resolve) => fs.readFile(path, { encoding: 'base64' }, (error, text) => resolve(error ? tell(error) : text))),
  list: ({ path, options }) => readdirSync(path, options),
  types: ({ path }) => readdirSync(path, { withFileTypes: true }).map((entry) => [entry.name, entry.isFile()]),
  stat: ({ path }) => ({ size: statSync(path).size, isFile: statSync(path).isFile() }),
  exists: ({ paths }) => paths.map((path: string) => existsSync(path)),
  some: ({ path, at }) => { const bytes = readFileSync(path); return [bytes.length, ...at.map((index: number) => bytes[index])]; },
};
export default async (event: any) => {
  try { return await cases[event.run]!(event); } catch (error) { return tell(error); }
};`;

const functions = new Functions();
let home: string;
let image: string;
let bare: string;

const diskArgs = (path: string, more = ',readonly=on') => ['-drive', `file=${path},format=raw,if=virtio${more}`];

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'fl-assets-'));
  await mkdir(join(home, 'public/img/deep'), { recursive: true });
  await writeFile(join(home, 'public/hello.txt'), 'héllo');
  await writeFile(join(home, 'public/empty'), '');
  await writeFile(join(home, 'public/img/deep/pixel.bin'), Buffer.from([0, 255, 1, 254]));
  await writeFile(
    join(home, 'public/large'),
    Uint8Array.from({ length: 5_000_001 }, (_, at) => at % 251),
  );
  await writeFile(join(home, 'firstlight.json'), JSON.stringify({ name: 'reads', ember: { assets: 'public' } }));
  const baked = await functions.bake(await bundleIn(home, source), 128);
  bare = baked.path;
  image = join(home, 'image.elf');
  await copyFile(bare, image);
  await appendAssets(image, join(home, 'public'), new AbortController().signal);
});
afterEach(() => functions.stopAll());
afterAll(async () => {
  await functions.close();
  await rm(home, { recursive: true, force: true });
});

/** A guest that has this disk, or none, and what it answers. */
async function open(disk: readonly string[], accel: 'tcg' | 'kvm' = 'tcg') {
  const guest = await functions.start({ image, memoryMiB: 128, accel, extra: disk });
  await guest.hello();
  const ask = async (event: object) => JSON.parse(await guest.answer(event, { deadlineMs: 30_000 }));
  return { guest, ask };
}

for (const accel of ['tcg', 'kvm'] as const) {
  const reason = accel === 'kvm' ? whyNoKvm() : null;
  describe.skipIf(reason !== null)(`assets by ${accel}${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
    it('are read as by Node.js', async () => {
      const { guest, ask } = await open(diskArgs(image), accel);
      expect(await ask({ run: 'text', path: '/assets/hello.txt' })).toBe('héllo');
      expect(await ask({ run: 'text', path: 'assets/./img/../hello.txt' })).toBe('héllo');
      expect(await ask({ run: 'text', path: '/assets/empty' })).toBe('');
      expect(await ask({ run: 'bytes', path: '/assets/img/deep/pixel.bin' })).toEqual([0, 255, 1, 254]);
      expect(await ask({ run: 'hex', path: 'file:///assets/img/deep/pixel.bin' })).toBe('00ff01fe');
      expect(await ask({ run: 'called', path: '/assets/img/deep/pixel.bin' })).toBe('AP8B/g==');
      const at = [0, 511, 512, 1_048_576, 3_000_000, 5_000_000];
      const some = [5_000_001, ...at.map((index) => index % 251)];
      expect(await ask({ run: 'some', path: '/assets/large', at })).toEqual(some);
      expect(await ask({ run: 'list', path: '/' })).toEqual(['assets']);
      expect(await ask({ run: 'list', path: '/assets/' })).toEqual(['empty', 'hello.txt', 'img', 'large']);
      const recursive = await ask({ run: 'list', path: '/assets/img', options: { recursive: true } });
      expect(recursive).toEqual(['deep', 'deep/pixel.bin']);
      expect(await ask({ run: 'types', path: '/assets/img/deep' })).toEqual([['pixel.bin', true]]);
      expect(await ask({ run: 'stat', path: '/assets/large' })).toEqual({ size: 5_000_001, isFile: true });
      expect(await ask({ run: 'stat', path: '/assets/img' })).toEqual({ size: 0, isFile: false });
      const paths = ['/assets/hello.txt', '/assets/img', '/assets/none', '/etc/passwd', '/assets/../etc'];
      expect(await ask({ run: 'exists', paths })).toEqual([true, true, false, false, false]);
      expect(guest.console()).toBe('');
    });

    it('that are not there are errors of Node.js', async () => {
      const { ask } = await open(diskArgs(image), accel);
      expect(await ask({ run: 'text', path: '/assets/none' })).toEqual({
        code: 'ENOENT',
        message: "ENOENT: no such file or directory, open '/assets/none'",
      });
      expect(await ask({ run: 'called', path: '/etc/passwd' })).toMatchObject({ code: 'ENOENT' });
      expect(await ask({ run: 'text', path: '/assets/img' })).toMatchObject({ code: 'EISDIR' });
      expect(await ask({ run: 'list', path: '/assets/empty' })).toMatchObject({ code: 'ENOTDIR' });
    });
  });
}

it('says so in a machine without the disk', async () => {
  const { ask } = await open([]);
  expect(await ask({ run: 'text', path: '/assets/hello.txt' })).toMatchObject({
    code: 'ENODEV',
    message: expect.stringContaining('no disk of assets'),
  });
});

it('takes another disk, and one that is cut, for none of its own', async () => {
  expect(await (await open(diskArgs(bare))).ask({ run: 'text', path: '/assets/hello.txt' })).toMatchObject({
    code: 'EIO',
  });
  const cut = join(home, 'cut.elf');
  await copyFile(image, cut);
  await truncate(cut, 4096);
  expect(await (await open(diskArgs(cut))).ask({ run: 'text', path: '/assets/hello.txt' })).toMatchObject({
    code: 'EIO',
  });
});

it('says that a disk fails', async () => {
  const broken = join(home, 'blkdebug.conf');
  await writeFile(broken, '[inject-error]\nevent = "read_aio"\nerrno = "5"\nonce = "off"\n');
  const { ask } = await open(['-drive', `file=blkdebug:${broken}:${image},format=raw,if=virtio,readonly=on`]);
  expect(await ask({ run: 'text', path: '/assets/hello.txt' })).toMatchObject({
    code: 'EIO',
    message: expect.stringContaining('could not be read'),
  });
});

it('ends at a disk that it could write to', async () => {
  const copy = join(home, 'writable.elf');
  await copyFile(image, copy);
  const { guest } = await open(diskArgs(copy, ''));
  expect(await guest.fails({ run: 'text', path: '/assets/hello.txt' })).toMatchObject({ code: 'CRASHED', fatal: true });
  expect(guest.console()).toContain('the disk of assets can be written');
});

it('are not there while the image is built', async () => {
  const early =
    "import { readFileSync } from 'node:fs';\nconst text = readFileSync('/assets/hello.txt');\nexport default () => text;";
  await expect(functions.bake(await bundleIn(home, early))).rejects.toMatchObject({
    code: 'EVALUATION_THREW',
    message: expect.stringContaining('Read them in the handler.'),
  });
});
