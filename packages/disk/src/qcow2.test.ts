import { mkdtemp, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFile } from '@firstlight/files';
import { runTool } from '@firstlight/files/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { qcow2Disk, writeOverlay } from './qcow2.ts';

const MiB = 1024 * 1024;
const cluster = 65_536;
let dir: string;
let base: string;
let baseContent: Buffer;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fl-qcow2-'));
  base = join(dir, 'base.raw');
  baseContent = Buffer.alloc(3 * MiB, 0xb5);
  await writeFile(base, baseContent);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const qemuImg = async (...words: string[]) => (await runTool('qemu-img', words)).stdout;

async function readBack(path: string): Promise<Buffer> {
  await qemuImg('check', path);
  const raw = `${path}.raw`;
  await qemuImg('convert', '-O', 'raw', path, raw);
  return readFile(raw);
}

describe('an overlay', () => {
  it('is as its backing file until somebody writes to it', async () => {
    const path = join(dir, 'overlay');
    await writeOverlay(path, { name: base, format: 'raw' }, 3 * MiB);
    expect((await readBack(path)).equals(baseContent)).toBe(true);
    const info = JSON.parse(await qemuImg('info', '--output=json', path));
    expect(info).toMatchObject({
      'virtual-size': 3 * MiB,
      'backing-filename': base,
      'backing-filename-format': 'raw',
      'cluster-size': cluster,
      'format-specific': { data: { compat: '1.1', corrupt: false, 'refcount-bits': 16 } },
    });
  });

  it('lies on another, and finds it by a path relative to its own folder', async () => {
    const [lower, upper] = [join(dir, 'lower'), join(dir, 'upper')];
    await createFile(lower, async (file) => {
      const disk = qcow2Disk(file, { name: 'base.raw', format: 'raw' });
      await disk.write(Buffer.from('lower'), MiB);
      await disk.finish(4 * MiB);
    });
    await writeOverlay(upper, { name: 'lower', format: 'qcow2' }, 4 * MiB);
    const content = await readBack(upper);
    expect(content.toString('latin1', MiB, MiB + 6)).toBe('lower\0');
    expect(content.subarray(0, MiB).equals(baseContent.subarray(0, MiB))).toBe(true);
    expect(content.subarray(3 * MiB).equals(Buffer.alloc(MiB))).toBe(true);
  });

  it('has room for what a guest writes', async () => {
    const path = join(dir, 'written');
    await writeOverlay(path, { name: base, format: 'raw' }, 3 * MiB);
    await runTool('qemu-io', ['-f', 'qcow2', '-c', 'write -P 7 70000 2000000', path]);
    const expected = Buffer.from(baseContent);
    expected.fill(7, 70_000, 2_070_000);
    expect((await readBack(path)).equals(expected)).toBe(true);
  });

  it('can be as large as one table of the first level, and no larger', async () => {
    const path = join(dir, 'huge');
    await writeOverlay(path, { name: base, format: 'raw' }, 4 * 1024 ** 4);
    await qemuImg('check', path);
    expect((await stat(path)).size).toBeLessThan(MiB);
    const refused = writeOverlay(join(dir, 'larger'), { name: base, format: 'raw' }, 4 * 1024 ** 4 + 512);
    await expect(refused).rejects.toMatchObject({ reason: 'too-large' });
    await expect(stat(join(dir, 'larger'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('is refused a path of the backing file that QEMU would not read', async () => {
    const path = join(dir, 'long-name');
    const refused = writeOverlay(path, { name: `/${'x'.repeat(1023)}`, format: 'raw' }, MiB);
    await expect(refused).rejects.toMatchObject({ reason: 'name-too-long' });
  });

  it("takes no file's place", async () => {
    await expect(writeOverlay(base, { name: 'other', format: 'raw' }, MiB)).rejects.toMatchObject({
      reason: 'write-failed',
    });
    expect((await stat(base)).size).toBe(3 * MiB);
  });
});

describe('a qcow2 disk', () => {
  it('begins with the fields of version 3', async () => {
    const path = join(dir, 'golden');
    await writeOverlay(path, { name: '/b', format: 'raw' }, 3 * MiB);
    const file = await open(path);
    const { buffer } = await file.read(Buffer.alloc(130), 0, 130, 0);
    await file.close();
    const words = [
      '514649fb', // magic: QFI, 0xfb
      '00000003', // version
      '0000000000000080', // the place of the backing file's name
      '00000002', // and its length
      '00000010', // clusters of 2^16 bytes
      '0000000000300000', // the disk's size
      '00000000', // no encryption
      '00000001', // entries of the table of the first level
      '0000000000020000', // its place
      '0000000000010000', // the place of the table of reference counts
      '00000001', // its clusters
      '00000000', // snapshots
      '0000000000000000', // their place
      '0000000000000000', // features that a reader must know,
      '0000000000000000', // need not know,
      '0000000000000000', // and must clear when it does not know them
      '00000004', // reference counts of 2^4 bits
      '00000068', // the header's length
      'e2792aca00000003', // extension: the backing file's format, three bytes
      '7261770000000000', // "raw"
      '0000000000000000', // no more extensions
      '2f62', // "/b"
    ];
    expect(buffer.toString('hex')).toBe(words.join(''));
  });

  it('reads as what was written to it, in whatever order and over whatever was there', async () => {
    let seed = 1;
    const random = (below: number) => {
      seed = (seed * 48_271) % 0x7fffffff;
      return seed % below;
    };
    for (let round = 0; round < 8; round++) {
      const path = join(dir, `random-${round}`);
      const expected = Buffer.concat([baseContent, Buffer.alloc(MiB)]);
      await createFile(path, async (file) => {
        const disk = qcow2Disk(file, { name: base, format: 'raw' });
        // Whole clusters: the rest of a partly written cluster is zeros.
        for (let step = 0; step < 12; step++) {
          const first = random(60);
          const clusters = 1 + random(64 - first);
          expected.fill(step + 1, first * cluster, (first + clusters) * cluster);
          await disk.write(Buffer.alloc(clusters * cluster, step + 1), first * cluster);
        }
        await disk.finish(4 * MiB);
      });
      expect((await readBack(path)).equals(expected)).toBe(true);
    }
  });

  it('covers what is below with zeros, and with what is written after them', async () => {
    const path = join(dir, 'zeros');
    await createFile(path, async (file) => {
      const disk = qcow2Disk(file, { name: base, format: 'raw' });
      await disk.zero(cluster, 4 * cluster);
      await disk.write(Buffer.from('after'), 2 * cluster);
      await disk.finish(3 * MiB);
    });
    const expected = Buffer.from(baseContent);
    expected.fill(0, cluster, 5 * cluster);
    expected.write('after', 2 * cluster);
    expect((await readBack(path)).equals(expected)).toBe(true);
  });

  it('counts its clusters right where one block of counts is not enough', async () => {
    const path = join(dir, 'large');
    await createFile(path, async (file) => {
      const disk = qcow2Disk(file, null);
      const piece = Buffer.alloc(1);
      // 33,000 clusters, of which 32,768 fit one block of counts; each is a hole except its first byte.
      for (let at = 0; at < 33_000; at++) await disk.write(piece, at * cluster);
      await disk.finish(33_000 * cluster);
    });
    const check = JSON.parse(await qemuImg('check', '--output=json', path));
    expect(check).toMatchObject({ 'check-errors': 0, 'allocated-clusters': 33_000 });
    expect(check.leaks ?? 0).toBe(0);
  });
});
