import { execFileSync } from 'node:child_process';
import { appendFileSync, truncateSync } from 'node:fs';
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFileTree, type FileTree } from '@firstlight/files';
import { bytesFile, hostFile } from '@firstlight/files/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { maxDepth } from './encode-root.ts';
import type { Tuple } from './tuple.ts';
import { type VolumeContent, type WriteOptions, writeVolume } from './write-volume.ts';

const MiB = 1024 * 1024;
let dir: string;
let count = 0;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fl-volume-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));
const canMount = process.getuid?.() === 0;
const newPath = () => join(dir, `volume-${count++}`);

async function write(content: Omit<VolumeContent, 'digest'>, options: WriteOptions = {}) {
  const path = newPath();
  const layout = await writeVolume(path, { digest: 'd', freeBytes: 0, ...content }, options);
  return { layout, bytes: await readFile(path) };
}

function treeOf(files: Record<string, string | Uint8Array>): FileTree {
  const builder = createFileTree();
  for (const [path, content] of Object.entries(files)) builder.add(path, bytesFile(content));
  return builder.tree;
}

/** Bytes from annotated hex: everything after `;` on a line is a comment. */
const hex = (annotated: string) => annotated.replace(/;.*$/gm, '').replace(/\s+/g, '');

/** The bytes that the encoders in `src/runtime/tuple.c` and `src/fs/tlog.c` of Nanos would write. */
describe('golden bytes', () => {
  it('of the first sector', async () => {
    const { bytes } = await write({ tree: new Map(), label: 'wäb' });
    const uuid = bytes.subarray(8, 24).toString('hex');
    expect(uuid).toMatch(/^.{12}8.{3}[89ab].{15}$/);
    const expected = hex(`
      4e 56 4d 54 46 53   ; NVMTFS
      05                  ; version
      01                  ; sectors of this piece
      ${uuid}
      77 c3 a4 62 00      ; "wäb" in UTF-8
      05                  ; the log goes on
      81 00               ; at sector 128: seven bits to a byte, highest first
      88 00               ; for 1024 sectors
      01                  ; end`);
    expect(bytes.toString('hex', 0, expected.length / 2)).toBe(expected);
    expect(bytes.subarray(expected.length / 2, 65_536).every((byte) => byte === 0)).toBe(true);
  });

  it('of a root with options, a file, a folder and a link', async () => {
    const builder = createFileTree();
    builder.add('/f', bytesFile('x'.repeat(700)));
    builder.add('/d/e', bytesFile(''));
    builder.add('/l', { kind: 'symlink', target: 'f' });
    const root: Tuple = new Map<string, string | bigint | string[]>([
      ['program', '/f'],
      ['arguments', ['a', '']],
      ['n', -300n],
    ]);
    const { bytes } = await write({ tree: builder.tree, root });
    const metadata = hex(`
      94                               ; tuple of 4: number 1
      87 70 72 6f 67 72 61 6d          ; symbol "program": number 2
      c2 2f 66                         ; string "/f"
      88 09 61 72 67 75 6d 65 6e 74 73 ; symbol "arguments", 9 bytes in a byte of its own: number 3
      a2 c1 61 c0                      ; vector of 2, "a" and "": number 4
      81 6e                            ; symbol "n": number 5
      b1 82 2c                         ; integer, negative: 300
      88 08 63 68 69 6c 64 72 65 6e    ; symbol "children": number 6
      93                               ; tuple of 3: number 7
      81 64                            ; symbol "d": number 8
      91                               ; tuple of 1: number 9
      06                               ; symbol number 6, "children"
      91                               ; tuple of 1: number 10
      81 65                            ; symbol "e": number 11
      92                               ; tuple of 2: number 12
      87 65 78 74 65 6e 74 73          ; symbol "extents": number 13
      90                               ; tuple of none: number 14
      88 0a 66 69 6c 65 6c 65 6e 67 74 68 ; symbol "filelength": number 15
      b0 00                            ; integer 0
      81 66                            ; symbol "f": number 16
      92                               ; tuple of 2: number 17
      08 0d                            ; symbol number 13, "extents"
      91                               ; tuple of 1: number 18
      81 30                            ; symbol "0", the extent's first block in the file: number 19
      93                               ; tuple of 3: number 20
      86 6f 66 66 73 65 74             ; symbol "offset": number 21
      b0 89 00                         ; integer 1152
      86 6c 65 6e 67 74 68             ; symbol "length": number 22
      b0 02                            ; integer 2
      88 09 61 6c 6c 6f 63 61 74 65 64 ; symbol "allocated": number 23
      b0 08                            ; integer 8
      08 0f                            ; symbol number 15, "filelength"
      b0 85 3c                         ; integer 700
      81 6c                            ; symbol "l": number 24
      91                               ; tuple of 1: number 25
      88 0a 6c 69 6e 6b 74 61 72 67 65 74 ; symbol "linktarget": number 26
      c1 66                            ; string "f"`);
    const length = metadata.length / 2;
    const size = (0x8000 | ((length >> 7) << 8) | (length & 0x7f)).toString(16);
    const expected = hex(`
      4e 56 4d 54 46 53  05  88 00  ; NVMTFS, version 5, 1024 sectors
      02 ${size} ${size}            ; a tuple, of so many bytes, all of them here
      ${metadata}
      01                            ; end`);
    expect(bytes.toString('hex', 65_536, 65_536 + expected.length / 2)).toBe(expected);
    expect(bytes.toString('latin1', 1152 * 512, 1154 * 512)).toBe('x'.repeat(700).padEnd(1024, '\0'));
  });

  it('of a tuple in two pieces of the log', async () => {
    const text = 'y'.repeat(600_000);
    const { bytes, layout } = await write({ tree: new Map(), root: new Map([['t', text]]) });
    // A tuple of 2 with "t" and the text, and an empty "children".
    const tuple = Buffer.concat([
      Buffer.from(hex('92 81 74 c8 a4 cf 40'), 'hex'),
      Buffer.from(text),
      Buffer.from(hex('88 08 63 68 69 6c 64 72 65 6e 90'), 'hex'),
    ]);
    // Of 512 KiB, 9 are for the header, 21 for the record's, and 21 for a link.
    const room = 524_288 - 9 - 21 - 21;
    const first = hex(`
      4e 56 4d 54 46 53  05  88 00
      02 a4 cf 52  9f ff 4d   ; a tuple of 600,018 bytes, 524,237 of them here`);
    expect(tuple.length).toBe(600_018);
    expect(bytes.toString('hex', 65_536, 65_536 + first.length / 2)).toBe(first);
    const firstEnd = 65_536 + first.length / 2 + room;
    expect(bytes.subarray(65_536 + first.length / 2, firstEnd).equals(tuple.subarray(0, room))).toBe(true);
    // The log continues where the data would begin, at sector 1152.
    expect(bytes.toString('hex', firstEnd, firstEnd + 6)).toBe(hex('05 89 00 88 00 01'));
    const second = hex('4e 56 4d 54 46 53  05  88 00  03 84 d0 05  ; the other 75,781 bytes');
    const at = 1152 * 512;
    expect(bytes.toString('hex', at, at + second.length / 2)).toBe(second);
    const rest = bytes.subarray(at + second.length / 2);
    expect(rest.subarray(0, tuple.length - room).equals(tuple.subarray(room))).toBe(true);
    expect(rest[tuple.length - room]).toBe(1);
    expect(layout.nextFreeBlock).toBe(1152 + 1024);
  });
});

describe('a file', () => {
  it('has extents of at most 32 MiB, one behind the other', async () => {
    const { layout } = await write({ tree: treeOf({ '/large': Buffer.alloc(70 * MiB + 1, 1) }) });
    expect(layout.files['/large']).toEqual({
      bytes: 70 * MiB + 1,
      extents: [
        [0, 65_536, 1152, 65_536],
        [65_536, 65_536, 66_688, 65_536],
        [131_072, 12_289, 132_224, 12_296],
      ],
    });
  });

  it('has no room where its host file has holes', async () => {
    const path = join(dir, 'sparse');
    await writeFile(path, Buffer.alloc(100_000, 1));
    await truncate(path, 8 * MiB);
    await appendFile(path, Buffer.alloc(10, 2));
    const builder = createFileTree();
    builder.add('/sparse', await hostFile(path));
    builder.add('/hole', bytesFile(Buffer.alloc(3 * MiB)));
    const { layout, bytes } = await write({ tree: builder.tree });
    expect(layout.files['/hole']).toEqual({ bytes: 3 * MiB, extents: [] });
    expect(layout.files['/sparse']).toEqual({
      bytes: 8 * MiB + 10,
      extents: [
        [0, 256, 1152, 256],
        [16_384, 1, 1408, 8],
      ],
    });
    expect(bytes.subarray(1408 * 512, 1408 * 512 + 11).toString('hex')).toBe(`${'02'.repeat(10)}00`);
    expect(bytes.length).toBe(MiB);
  });

  it('starts on a page of its own', async () => {
    const { layout } = await write({ tree: treeOf({ '/a': 'a', '/b': 'b'.repeat(5000), '/c': 'c' }) });
    const starts = Object.values(layout.files).map(({ extents }) => extents[0]?.[2]);
    expect(starts).toEqual([1152, 1160, 1176]);
  });
});

describe('a volume', () => {
  it('is the same bytes however its tree was put together', async () => {
    const root: Tuple = new Map([['program', '/b']]);
    const first = await write({ tree: treeOf({ '/b': 'b', '/a/c': 'c', '/a-d': 'd' }), root });
    const second = await write({ tree: treeOf({ '/a-d': 'd', '/a/c': 'c', '/b': 'b' }), root });
    expect(first.bytes.equals(second.bytes)).toBe(true);
  });

  it('has another UUID when its digest is another', async () => {
    const [one, other] = [newPath(), newPath()];
    await writeVolume(one, { tree: new Map(), digest: 'one' });
    await writeVolume(other, { tree: new Map(), digest: 'other' });
    const uuids = await Promise.all([one, other].map(async (path) => (await readFile(path)).toString('hex', 8, 24)));
    expect(uuids[0]).not.toBe(uuids[1]);
  });

  it('has the room that was asked for, in whole megabytes', async () => {
    expect((await write({ tree: new Map(), freeBytes: 3 * MiB })).bytes.length).toBe(4 * MiB);
    expect((await write({ tree: new Map(), minBytes: 9.5 * MiB })).bytes.length).toBe(10 * MiB);
    const path = newPath();
    await writeVolume(path, { tree: new Map(), digest: 'd', minBytes: 100 * MiB });
    expect((await stat(path)).blocks * 512).toBeLessThan(MiB);
  });

  it.each([
    ['a label of more than 31 bytes', { tree: new Map(), label: 'ä'.repeat(16) }],
    ['a label with a zero byte', { tree: new Map(), label: 'a\0b' }],
    ['options that have children', { tree: new Map(), root: new Map([['children', new Map()]]) }],
    ['a tree that is too deep for the kernel', { tree: treeOf({ [`${'/d'.repeat(maxDepth)}/file`]: '' }) }],
    ['a link to nowhere', { tree: new Map([['/l', { kind: 'symlink', target: '' } as const]]) }],
  ])('is refused %s', async (_, content) => {
    const path = newPath();
    await expect(writeVolume(path, { digest: 'd', ...content })).rejects.toMatchObject({
      reason: expect.stringMatching(/-invalid$/),
    });
    await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('writing', () => {
  /** A host file of 5 MiB, in a tree behind one of 3 MiB. */
  async function largeTree(name: string): Promise<{ path: string; tree: FileTree }> {
    const path = join(dir, name);
    await writeFile(path, Buffer.alloc(5 * MiB, 5));
    const builder = createFileTree();
    builder.add('/a', bytesFile(Buffer.alloc(3 * MiB, 3)));
    builder.add('/b', await hostFile(path));
    return { path, tree: builder.tree };
  }

  /** Writes a tree, with a change in the middle. */
  async function disturbed(tree: FileTree, disturb: () => void, signal?: AbortSignal) {
    const path = newPath();
    let isDisturbed = false;
    const onProgress = (fraction: number) => {
      if (fraction < 0.5 || isDisturbed) return;
      isDisturbed = true;
      disturb();
    };
    const written = writeVolume(path, { tree, digest: 'd' }, { onProgress, signal });
    await written.catch(() => undefined);
    await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' });
    return written;
  }

  it('says how far it is', async () => {
    const { tree } = await largeTree('progress');
    const fractions: number[] = [];
    await write({ tree }, { onProgress: (fraction) => fractions.push(fraction) });
    expect(fractions.length).toBeGreaterThan(4);
    expect(fractions.at(-1)).toBe(1);
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
  });

  it('stops when it is cancelled, and leaves no file', async () => {
    const { tree } = await largeTree('cancelled');
    const controller = new AbortController();
    const cancel = () => controller.abort();
    await expect(disturbed(tree, cancel, controller.signal)).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('fails when a file of the host was gone before it was read', async () => {
    const { path, tree } = await largeTree('gone');
    await unlink(path);
    const refused = disturbed(tree, () => undefined);
    await expect(refused).rejects.toMatchObject({ reason: 'file-gone', message: expect.stringContaining(path) });
  });

  it.each([
    ['shorter', (path: string) => truncateSync(path, MiB)],
    ['longer', (path: string) => appendFileSync(path, 'more')],
  ])('fails when a file of the host becomes %s while it is read', async (_, change) => {
    const { path, tree } = await largeTree('changing');
    const refused = disturbed(tree, () => change(path));
    await expect(refused).rejects.toMatchObject({ reason: 'file-changed', message: expect.stringContaining(path) });
  });

  it.each([
    ['shorter', 'x'],
    ['longer', 'x'.repeat(100)],
  ])('fails when a small file of the host has become %s since the tree was made', async (_, content) => {
    const path = join(dir, 'small');
    await writeFile(path, 'x'.repeat(50));
    const builder = createFileTree();
    builder.add('/small', await hostFile(path));
    await writeFile(path, content);
    const refused = disturbed(builder.tree, () => undefined);
    await expect(refused).rejects.toMatchObject({ reason: 'file-changed', message: expect.stringContaining(path) });
  });

  it('fails when a folder has taken the place of a file', async () => {
    const { path, tree } = await largeTree('folder');
    await unlink(path);
    await mkdir(path);
    const refused = disturbed(tree, () => undefined);
    await expect(refused).rejects.toMatchObject({ reason: 'not-a-file', message: expect.stringContaining(path) });
  });

  it.skipIf(!canMount)(
    `fails when the disk is full, and leaves no file${canMount ? '' : ' (skipped: only root may mount a small disk)'}`,
    async () => {
      const { tree } = await largeTree('for-a-full-disk');
      const small = join(dir, 'small-disk');
      await mkdir(small);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', small]);
      try {
        const refused = writeVolume(join(small, 'volume'), { tree, digest: 'd' });
        await expect(refused).rejects.toMatchObject({
          reason: 'write-failed',
          message: expect.stringContaining(small),
        });
        expect(await readdir(small)).toEqual([]);
      } finally {
        execFileSync('umount', [small]);
      }
    },
  );
});
