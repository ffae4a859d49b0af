import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemorySource, createRawDisk } from '@firstlight/files';
import { runTool } from '@firstlight/files/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDisk, openSource } from './open-disk.ts';

let dir: string;
let raw: string;
/** Data at both ends, zeros between, and a length that is not a whole number of clusters. */
const content = Buffer.alloc(3 * 1024 ** 2 + 5 * 512);
content.fill('first', 0, 200_000);
content.fill('last', content.length - 70_000);

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fl-qcow2-'));
  raw = join(dir, 'raw');
  await writeFile(raw, content);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function readWhole(path: string): Promise<Buffer> {
  const { disk } = await openDisk(path);
  try {
    return Buffer.from(await disk.read(0, disk.bytes));
  } finally {
    await disk.close();
  }
}

describe('a qcow2 file of QEMU’s', () => {
  it.each([
    ['version 3', []],
    ['version 2', ['-o', 'compat=0.10']],
    ['small clusters', ['-o', 'cluster_size=512']],
    ['large clusters', ['-o', 'cluster_size=2M']],
    ['compressed', ['-c']],
    ['compressed in small clusters', ['-c', '-o', 'cluster_size=4k']],
    ['set aside in advance', ['-o', 'preallocation=metadata']],
  ])('is read as QEMU reads it: %s', async (name, args) => {
    const path = join(dir, name);
    await runTool('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', ...args, raw, path]);
    expect((await readWhole(path)).equals(content)).toBe(true);
  });

  it('is read through to what it builds on, and beyond its end as zeros', async () => {
    const base = join(dir, 'base');
    const middle = join(dir, 'middle');
    const top = join(dir, 'top');
    await writeFile(base, content);
    await runTool('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', 'base', '-F', 'raw', middle, '5M']);
    await runTool('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', middle, '-F', 'qcow2', top, '6M']);
    await runTool('qemu-io', ['-f', 'qcow2', '-c', 'write -P 0x55 65536 4096', '-c', 'write -z 131072 65536', middle]);
    await runTool('qemu-io', ['-f', 'qcow2', '-c', 'write -P 0x66 5767168 512', top]);
    const expected = Buffer.alloc(6 * 1024 ** 2);
    content.copy(expected);
    expected.fill(0x55, 65_536, 69_632);
    expected.fill(0, 131_072, 196_608);
    expected.fill(0x66, 5_767_168, 5_767_680);
    expect((await readWhole(top)).equals(expected)).toBe(true);
    const { disk, allocatedBytes, fileBytes } = await openDisk(top);
    expect(disk).toMatchObject({ format: 'qcow2', backing: [middle, base], bytes: 6 * 1024 ** 2 });
    expect(Math.min(allocatedBytes, fileBytes)).toBeGreaterThan(0);
    await disk.close();
  });
});

describe('a hostile qcow2 file is refused', () => {
  const qcow2 = async (name: string, ...args: string[]) => {
    const path = join(dir, name);
    await runTool('qemu-img', ['create', '-q', '-f', 'qcow2', '-u', ...args, path, '1M']);
    return path;
  };

  it('when it builds on itself, also by another name or through another file', async () => {
    const self = await qcow2('self', '-b', 'other-name', '-F', 'qcow2');
    await symlink(self, join(dir, 'other-name'));
    await expect(openDisk(self)).rejects.toMatchObject({
      reason: 'damaged',
      message: expect.stringMatching(/builds on itself/),
    });
    const one = await qcow2('one', '-b', 'two', '-F', 'qcow2');
    await qcow2('two', '-b', 'one', '-F', 'qcow2');
    await expect(openDisk(one)).rejects.toMatchObject({
      reason: 'damaged',
      message: expect.stringMatching(/builds on itself/),
    });
  });

  it.each([
    ['a device', '/dev/zero', 'raw', { reason: 'not-a-file' }],
    [
      'a server',
      'nbd://localhost/x',
      'raw',
      { reason: 'damaged', message: expect.stringMatching(/only files are read here/) },
    ],
    [
      'JSON',
      'json:{"driver":"file","filename":"/x"}',
      'raw',
      { reason: 'damaged', message: expect.stringMatching(/only files/) },
    ],
    [
      'what is not there',
      'gone',
      'raw',
      { reason: 'base-missing', message: expect.stringMatching(/builds on a file that is not there: gone/) },
    ],
    ['another format', 'raw', 'vmdk', { reason: 'unsupported', message: expect.stringMatching(/"vmd"/) }],
    [
      'what is not a qcow2',
      'raw',
      'qcow2',
      { reason: 'damaged', message: expect.stringMatching(/no qcow2 file at byte 0/) },
    ],
  ])('when it builds on %s', async (name, backing, format, error) => {
    const path = await qcow2(`on ${name}`, '-b', backing, '-F', format === 'vmdk' ? 'raw' : format);
    if (format === 'vmdk') {
      const bytes = await readFile(path);
      bytes.write('vmd', bytes.indexOf('raw'));
      await writeFile(path, bytes);
    }
    await expect(openDisk(path)).rejects.toMatchObject(error);
  });

  /** A version 3 header of a 1 MiB disk in clusters of 64 KiB, one table of each level, then a cluster of data. */
  function build(change: (view: DataView) => void): Promise<Uint8Array> {
    const bytes = new Uint8Array(4 * 65_536);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, 0x514649fb);
    view.setUint32(4, 3);
    view.setUint32(20, 16);
    view.setBigUint64(24, 1024n ** 2n);
    view.setUint32(36, 1);
    view.setBigUint64(40, 65_536n);
    view.setUint32(100, 104);
    view.setBigUint64(65_536, (1n << 63n) | 131_072n);
    view.setBigUint64(131_072, (1n << 63n) | 196_608n);
    bytes.fill(7, 196_608);
    change(view);
    const backing = async () => createRawDisk(createMemorySource('below', new Uint8Array(100)));
    return openSource(createMemorySource('test.qcow2', bytes), null, backing).then((disk) => disk.read(0, 65_536));
  }

  it('but not when nothing is wrong with it', async () => {
    expect(await build(() => undefined)).toEqual(new Uint8Array(65_536).fill(7));
  });

  it('nor when its disk has no length', async () => {
    const bytes = new Uint8Array(512);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, 0x514649fb);
    view.setUint32(4, 2);
    view.setUint32(20, 9);
    const empty = await openSource(createMemorySource('empty', bytes), null, async () => {
      throw new Error('It builds on nothing.');
    });
    expect(empty.bytes).toBe(0);
    expect(await empty.read(0, 0)).toHaveLength(0);
  });

  it.each<[string, (view: DataView) => void, RegExp]>([
    ['another version', (view) => view.setUint32(4, 4), /version 4/],
    ['absurd clusters', (view) => view.setUint32(20, 40), /clusters of 2\^40 bytes at byte 20/],
    ['an absurd length', (view) => view.setBigUint64(24, 2n ** 62n), /a disk of 46116\d+ bytes at byte 24/],
    ['a huge table', (view) => view.setUint32(36, 0xffff_ffff), /a level 1 table of 4294967295 entries at byte 36/],
    ['a table too short', (view) => view.setUint32(36, 0), /a level 1 table of 0 entries/],
    ['a table outside', (view) => view.setBigUint64(40, 2n ** 40n), /a level 1 table outside the file/],
    ['an unknown feature', (view) => view.setUint32(76, 64), /not known here/],
    [
      'a long name below',
      (view) => [view.setBigUint64(8, 200n), view.setUint32(16, 5000)],
      /the name of a backing file/,
    ],
    ['level 2 outside', (view) => view.setBigUint64(65_536, 2n ** 50n), /a level 2 table outside the data/],
    ['level 2 between clusters', (view) => view.setBigUint64(65_536, 131_584n), /between clusters/],
    [
      'level 2 over the header',
      (view) => view.setBigUint64(65_536, (1n << 63n) | 65_536n),
      /outside the data \(65536\)/,
    ],
    [
      'a cluster outside',
      (view) => view.setBigUint64(131_072, 2n ** 40n),
      /a cluster outside the data .* at byte 131072/,
    ],
    ['level 2 in itself', (view) => view.setBigUint64(131_072, 131_072n), /leads to itself at byte 131072/],
    [
      'bad compression',
      (view) => view.setBigUint64(131_072, (1n << 62n) | 196_608n),
      /cannot be unpacked at byte 196608/,
    ],
  ])('for %s', async (_, change, message) => {
    await expect(build(change)).rejects.toMatchObject({
      reason: 'damaged',
      message: expect.stringMatching(message),
    });
  });
});
