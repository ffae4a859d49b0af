import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decompress } from './decompress.ts';
import { createPathTree } from './path-tree.ts';
import { readTar } from './read-tar.ts';
import { defaultTarLimits } from './tar-limits.ts';
import { inPieces, makeTar, storedZstd, type TarInput } from './testing/make-tar.ts';
import { addUnpacked, unpackTar } from './unpack-tar.ts';

let base: string;
let count = 0;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'fl-tar-'));
});
afterAll(() => rm(base, { recursive: true, force: true }));

async function unpack(bytes: Uint8Array, limits = defaultTarLimits) {
  const dir = await mkdtemp(join(base, `${count++}-`));
  const skipped: string[] = [];
  const options = { archive: 'test.tar', limits, onSkipped: (why: string) => skipped.push(why) };
  const entries = await unpackTar(inPieces(bytes), dir, options);
  const tree = createPathTree();
  for (const entry of entries) addUnpacked(tree, entry, dir);
  const text = async (path: string) => {
    const node = tree.lookUp(path)?.node;
    if (node?.kind !== 'file') return undefined;
    return node.content.kind === 'bytes' ? '' : readFile(node.content.path, 'utf8');
  };
  return { dir, entries, skipped, tree, text };
}
const unpackAll = async (entries: TarInput[]) => unpack(await makeTar(entries));
const invalid = { reason: 'invalid' };
const escapes = { reason: 'path-escapes' };

describe('the entries of an archive', () => {
  it('has its files, folders and links, long and non-ASCII names too', async () => {
    const long = `${'folder/'.repeat(60)}${'n'.repeat(200)}`;
    const { text, tree, entries } = await unpackAll([
      { name: './srv/', type: 'directory' },
      { name: './srv/grüße-こんにちは', data: 'hello' },
      { name: long, data: 'deep' },
      { name: 'empty' },
      { name: 'link', type: 'symlink', linkname: 'srv' },
      { name: 'same', type: 'link', linkname: './srv/grüße-こんにちは' },
    ]);
    expect(await text('/srv/grüße-こんにちは')).toBe('hello');
    expect(await text('/link/grüße-こんにちは')).toBe('hello');
    expect(await text('/same')).toBe('hello');
    expect(await text(long)).toBe('deep');
    expect(await text('/empty')).toBe('');
    expect(tree.get('/link')).toEqual({ kind: 'symlink', target: 'srv', path: '/link' });
    expect(entries).toHaveLength(6);
    expect([...tree.toFileTree().keys()].slice(0, 2)).toEqual(['/srv', '/srv/grüße-こんにちは']);
  });

  it('may be packed with gzip, or with Zstandard in several frames', async () => {
    const bytes = await makeTar([{ name: 'a', data: 'x'.repeat(100_000) }]);
    expect(await (await unpack(gzipSync(bytes))).text('/a')).toHaveLength(100_000);
    const half = 50_176;
    const frames = Buffer.concat([storedZstd(bytes.subarray(0, half)), storedZstd(bytes.subarray(half))]);
    expect(await (await unpack(frames)).text('/a')).toHaveLength(100_000);
  });

  it('is the last of what has the same name', async () => {
    const { text } = await unpackAll([
      { name: 'a', data: 'first' },
      { name: 'd/x', data: 'gone' },
      { name: 'a', data: 'second' },
      { name: 'd', data: 'a file now' },
    ]);
    expect(await text('/a')).toBe('second');
    expect(await text('/d')).toBe('a file now');
  });

  it('leaves devices, pipes and names that are not UTF-8 out, and says so', async () => {
    const bytes = await makeTar([
      { name: 'dev/null', type: 'character-device' },
      { name: 'dev/sda', type: 'block-device' },
      { name: 'pipe', type: 'fifo' },
      { name: 'n_', data: 'x' },
    ]);
    bytes[bytes.lastIndexOf('n_') + 1] = 0xe9;
    fixChecksum(bytes, bytes.lastIndexOf(Buffer.from([0x6e, 0xe9])));
    const { entries, skipped } = await unpack(bytes);
    expect(entries).toEqual([]);
    expect(skipped).toEqual([
      '/dev/null is left out: an image holds no device node.',
      '/dev/sda is left out: an image holds no device node.',
      '/pipe is left out: an image holds no named pipe.',
      '"n\ufffd" is left out: its name is not UTF-8.',
    ]);
  });
});

describe('an archive that would leave its place', () => {
  it.each([['../x'], ['a/../../x'], ['/../x'], ['a/b/../../../x']])('is refused for the name %s', async (name) => {
    await expect(unpackAll([{ name, data: 'x' }])).rejects.toMatchObject(escapes);
  });

  it('cannot write through a link out of itself', async () => {
    const through = (linkname: string) =>
      unpackAll([
        { name: 'sub/out', type: 'symlink', linkname },
        { name: 'sub/out/x', data: 'x' },
      ]);
    await expect(through('../../etc')).rejects.toMatchObject(escapes);
    await expect(through('/../etc')).rejects.toMatchObject(escapes);
    // An absolute link is one inside the image.
    expect(await (await through('/etc')).text('/etc/x')).toBe('x');
  });

  it('cannot make a circle of links that never ends', async () => {
    const circle = unpackAll([
      { name: 'a', type: 'symlink', linkname: 'b' },
      { name: 'b', type: 'symlink', linkname: 'a' },
      { name: 'a/x', data: 'x' },
    ]);
    await expect(circle).rejects.toMatchObject({ ...invalid, message: expect.stringContaining('circle') });
  });

  it('cannot link hard to what is not in it', async () => {
    const linked = (linkname: string) => unpackAll([{ name: 'shadow', type: 'link', linkname }]);
    await expect(linked('/etc/shadow')).rejects.toMatchObject(invalid);
    await expect(linked('../../etc/shadow')).rejects.toMatchObject(escapes);
  });

  it('puts nothing on the disk under a name of its own', async () => {
    const { dir } = await unpackAll([{ name: '/etc/cron.d/evil', data: 'x' }]);
    expect(await readdir(dir)).toEqual(['0']);
  });
});

describe('an archive that asks for too much', () => {
  it('is refused for a size that it only claims', async () => {
    const bytes = await makeTar([{ name: 'huge', data: 'x' }]);
    bytes.write('77777777777', 124, 'latin1');
    fixChecksum(bytes, 0);
    const claimed = 8 ** 11 - 1;
    expect(claimed).toBeLessThan(defaultTarLimits.maxBytes);
    await expect(unpack(bytes)).rejects.toMatchObject(invalid);
    bytes[124] = 0x80;
    bytes.fill(0xff, 128, 136);
    fixChecksum(bytes, 0);
    await expect(unpack(bytes)).rejects.toMatchObject(invalid);
  });

  it('is refused when it unpacks to far more than it is', async () => {
    const bomb = gzipSync(await makeTar([{ name: 'zeros', data: Buffer.alloc(4 << 20) }]));
    const limits = { ...defaultTarLimits, ratioFromBytes: 1 << 20 };
    await expect(unpack(bomb, limits)).rejects.toThrow(/more than 300 times its size/);
    await expect(unpack(bomb, { ...defaultTarLimits, maxBytes: 1 << 20 })).rejects.toMatchObject(invalid);
  });

  it('is refused for more entries than any has', async () => {
    const entries = Array.from({ length: 11 }, (_, index) => ({ name: `${index}` }));
    const read = async () => {
      const limits = { ...defaultTarLimits, maxEntries: 10 };
      for await (const _ of readTar(inPieces(await makeTar(entries)), { archive: 'test.tar', limits }));
    };
    await expect(read()).rejects.toThrow(/more than 10 entries/);
  });

  it('is refused for a Zstandard frame, the first or a later one, that needs a gigabyte', async () => {
    const window = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 20 << 3, 1, 0, 0]);
    const content = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0, 0x40, 1, 0, 0]);
    const skipped = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 2]);
    const sound = storedZstd((await makeTar([{ name: 'a', data: 'x' }])).subarray(0, 1024));
    for (const frame of [window, content]) {
      await expect(unpack(frame)).rejects.toThrow(/more than 32 MiB/);
      await expect(unpack(Buffer.concat([sound, skipped, frame]))).rejects.toThrow(/more than 32 MiB/);
    }
    expect(await (await unpack(Buffer.concat([sound, skipped]))).text('/a')).toBe('x');
  });

  it('is unpacked piece by piece, also where four bytes of Zstandard stand for 128 KiB', async () => {
    const frame = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 7 << 3]);
    const block = Buffer.from([0x02, 0x00, 0x10, 0x00]);
    const bomb = Buffer.concat([frame, ...Array(1000).fill(block)]);
    const before = process.memoryUsage().arrayBuffers;
    const unpacked = decompress(inPieces(bomb, bomb.length), 'a', defaultTarLimits);
    expect((await unpacked.next()).value).toHaveLength(128 * 1024);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * 1024 ** 2);
    await unpacked.return(undefined);
  });

  it('is refused as a sparse file, which only GNU tar reads', async () => {
    const bytes = await makeTar([{ name: 'sparse', data: 'x' }]);
    bytes[156] = 'S'.charCodeAt(0);
    fixChecksum(bytes, 0);
    await expect(unpack(bytes)).rejects.toThrow(/sparse/);
    const pax = await makeTar([{ name: 'sparse', data: 'x', pax: { 'GNU.sparse.major': '1' } }]);
    await expect(unpack(pax)).rejects.toThrow(/sparse/);
  });
});

describe('a broken archive', () => {
  it.each([
    ['cut short in a file', async () => (await makeTar([{ name: 'a', data: 'x'.repeat(2000) }])).subarray(0, 1024)],
    ['no tar at all', async () => Buffer.from('This is not an archive.'.repeat(100))],
    ['gzip that is cut short', async () => gzipSync(await makeTar([{ name: 'a', data: 'x' }])).subarray(0, 40)],
    ['gzip with a flipped bit', async () => flipped(gzipSync(await makeTar([{ name: 'a', data: 'abc' }])), 30)],
    [
      'Zstandard that is none',
      async () => Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 9, 9, 9]),
    ],
    [
      'a file in place of a folder',
      async () =>
        makeTar([
          { name: 'a', data: 'x' },
          { name: 'a/b', data: 'x' },
        ]),
    ],
  ])('says so: %s', async (_what, make) => {
    await expect(make().then((bytes) => unpack(bytes))).rejects.toMatchObject(invalid);
  });

  it('ends at once when it is no longer wanted', async () => {
    const bytes = await makeTar([{ name: 'a', data: 'x'.repeat(100_000) }]);
    const read = async () => {
      for await (const _ of readTar(inPieces(bytes), { archive: 'test.tar', signal: AbortSignal.abort() }));
    };
    await expect(read()).rejects.toMatchObject({ name: 'AbortError' });
  });
});

const flipped = (bytes: Buffer, at: number) => {
  bytes[at] = (bytes[at] ?? 0) ^ 0x10;
  return bytes;
};

/** A header's checksum after a test changed the header. */
function fixChecksum(bytes: Buffer, at: number): void {
  bytes.fill(0x20, at + 148, at + 156);
  const sum = bytes.subarray(at, at + 512).reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148, 'latin1');
}
