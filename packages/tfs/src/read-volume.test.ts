import { createMemorySource, createRawDisk } from '@firstlight/files';
import { describe, expect, it } from 'vitest';
import { record, valueType } from './format.ts';
import { readFileBytes } from './read-file.ts';
import { readVolume, type Volume } from './read-volume.ts';
import {
  dataSector,
  encode,
  fileTuple,
  header,
  symbol,
  type TestVolume,
  varint,
  volumeBytes,
  type Written,
  whole,
} from './testing/tfs-bytes.ts';

/** Bytes from annotated hex: everything after `;` on a line is a comment. */
function hex(annotated: string): Uint8Array {
  const digits = annotated.replace(/;.*$/gm, '').replace(/\s+/g, '');
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

const read = (bytes: Uint8Array) =>
  readVolume(createRawDisk(createMemorySource('test.img', bytes)), { start: 0, bytes: bytes.length });
const readLog = (log: readonly number[], more: Partial<TestVolume> = {}) => read(volumeBytes({ log, ...more }));
const readRoot = (root: Written, more: Partial<TestVolume> = {}) => readLog(whole(encode(root)), more);
const refused = (message: RegExp) => ({
  reason: expect.stringMatching(/^(damaged|truncated)$/),
  message: expect.stringMatching(message),
});

async function contentOf(volume: Volume, path: string): Promise<Buffer> {
  const node = volume.nodes.find((found) => found.path === path);
  if (node?.kind !== 'file') throw new Error(`${path} is not a file`);
  const chunks = [];
  for await (const chunk of readFileBytes(volume.disk, node.data)) chunks.push(Uint8Array.from(chunk));
  return Buffer.concat(chunks);
}

/** The bytes that `src/fs/tlog.c` and `src/runtime/tuple.c` of Nanos write. */
describe('golden bytes', () => {
  const firstSector = `
    4e 56 4d 54 46 53   ; NVMTFS
    05                  ; version
    01                  ; sectors of this piece
    00 11 22 33 44 55 66 77 88 99 aa bb cc dd ee ff   ; UUID
    77 65 62 00         ; "web"
    05 01 02            ; the log goes on at sector 1, for 2 sectors
    01                  ; end`;

  it('of version 5 are read', async () => {
    const second = hex(`
      4e 56 4d 54 46 53  05  02   ; NVMTFS, version 5, 2 sectors
      02 45 45          ; a record of 69 bytes, all of them here
      93                ; tuple of 3: number 1
      87 70 72 6f 67 72 61 6d          ; symbol "program": number 2
      c6 2f 68 65 6c 6c 6f             ; string "/hello"
      88 09 61 72 67 75 6d 65 6e 74 73 ; symbol "arguments", of 9 bytes: number 3
      a2 c1 61 c0                      ; vector of 2, "a" and "": number 4
      88 08 63 68 69 6c 64 72 65 6e    ; symbol "children": number 5
      91                               ; tuple of 1: number 6
      81 66                            ; symbol "f": number 7
      92                               ; tuple of 2: number 8
      87 65 78 74 65 6e 74 73  90      ; "extents", none
      88 0a 66 69 6c 65 6c 65 6e 67 74 68   ; "filelength"
      b0 82 00                         ; integer 256
      04 01                            ; end of a segment, end of the log`);
    const bytes = Buffer.alloc(3 * 512);
    bytes.set(hex(firstSector));
    bytes.set(second, 512);
    const volume = await read(bytes);
    expect(volume.log).toMatchObject({
      version: 5,
      label: 'web',
      uuid: '00112233-4455-6677-8899-aabbccddeeff',
      pieces: [
        { start: 0, bytes: 512 },
        { start: 512, bytes: 1024 },
      ],
      warnings: [],
    });
    expect(volume.root.get('program')).toBe('/hello');
    expect(volume.root.get('arguments')).toEqual(['a', '']);
    expect(volume.nodes).toMatchObject([{ kind: 'file', path: '/f', data: { bytes: 256, extents: [] } }]);
    expect(await contentOf(volume, '/f')).toEqual(Buffer.alloc(256));
  });

  it('of version 4 are read, whose headers are of another form', async () => {
    const second = hex(`
      4e 56 4d 54 46 53  04  02   ; NVMTFS, version 4, 2 sectors
      02 3f 3f          ; a record of 63 bytes
      c2                ; tuple of 2: one bit for the type, five for the count
      87 70 72 6f 67 72 61 6d          ; "program"
      86 2f 68 65 6c 6c 6f             ; untyped "/hello"
      89 61 72 67 75 6d 65 6e 74 73    ; "arguments"
      c1                               ; a tuple stands for a vector
      81 30                            ; "0"
      a0 20 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 ; 32 × "a"
      01`);
    const bytes = Buffer.alloc(3 * 512);
    bytes.set(hex(firstSector.replace('05                  ; version', '04')));
    bytes.set(second, 512);
    const volume = await read(bytes);
    expect(volume.log.version).toBe(4);
    expect(volume.log.warnings).toEqual([expect.stringContaining('version 4')]);
    expect(volume.root.get('program')).toBe('/hello');
    expect(volume.root.get('arguments')).toEqual(new Map([['0', 'a'.repeat(32)]]));
  });
});

describe('the log is replayed', () => {
  // Numbers of the dictionary: 1 the root, 2 "children", 3 its tuple, 4 "a", 5 the tuple of a.
  const tree = whole(encode({ children: { a: { linktarget: '/one' } } }));

  it('with what comes later in place of what was, and nothing in place of what was taken away', async () => {
    const volume = await readLog([
      ...tree,
      ...whole(encode({ ref: 5, set: { linktarget: '/two' } })),
      ...whole(encode({ ref: 3, set: { b: { linktarget: '/b' }, c: { linktarget: '/c' } } })),
      record.endOfSegment,
      ...whole(encode({ ref: 3, set: { b: null } })),
      ...whole(encode({ ref: 1, set: { exec_protection: 't', uninited: { raw: [0x81, 0] } } })),
    ]);
    expect(volume.nodes.map(({ path, ...node }) => [path, 'target' in node && node.target])).toEqual([
      ['/a', '/two'],
      ['/c', '/c'],
    ]);
    expect(volume.root.get('exec_protection')).toBe('t');
    expect(volume.root.get('uninited')).toBe('');
  });

  it('with records in parts, one to each piece', async () => {
    const bytes = encode({ children: { long: { linktarget: `/${'x'.repeat(600)}` } } });
    const parts = [bytes.slice(0, 300), bytes.slice(300, 310), bytes.slice(310)];
    const [first, second, third] = parts.map((part) => [...varint(part.length), ...part]);
    const volume = await readLog([
      record.tuple,
      ...varint(bytes.length),
      ...(first ?? []),
      record.tupleContinued,
      ...(second ?? []),
      record.tupleContinued,
      ...(third ?? []),
    ]);
    expect(volume.nodes).toMatchObject([{ path: '/long', target: `/${'x'.repeat(600)}` }]);
  });

  it('without a last record that was not written to its end, which is said', async () => {
    const volume = await readLog([...tree, record.tuple, ...varint(100), ...varint(2), 0x91, 0x81]);
    expect(volume.nodes).toHaveLength(1);
    expect(volume.log.warnings).toEqual([expect.stringContaining('not written to its end')]);
  });

  it('as integers of 64 bits, negative ones too, and names that are no UTF-8', async () => {
    const volume = await readRoot({
      big: 2n ** 64n - 1n,
      small: -5n,
      children: {
        name: { raw: [...header(true, valueType.tuple, 1), ...symbol('linktarget'), 0xc3, 0x61, 0xe9, 0x62] },
      },
    });
    expect(volume.root.get('big')).toBe(2n ** 64n - 1n);
    expect(volume.root.get('small')).toBe(-5n);
    expect(volume.nodes[0]).toMatchObject({ target: 'a\\xe9b' });
  });
});

describe('files', () => {
  const data = Buffer.alloc(8 * 512, 'data');
  const first = dataSector();

  it('have holes between their extents and after them, and zeros where nothing was ever written', async () => {
    const uninited = { length: 1n, offset: BigInt(first + 2), allocated: 1n, uninited: { raw: [0x81, 0] } };
    const file = fileTuple(3000, [
      [0, 1, first],
      [2, 1, first + 1],
    ]) as { extents: object };
    const volume = await readRoot(
      { children: { f: { ...file, extents: { ...file.extents, '4': uninited } } as Written } },
      { data },
    );
    const expected = Buffer.alloc(3000);
    data.copy(expected, 0, 0, 512);
    data.copy(expected, 1024, 512, 1024);
    expect(await contentOf(volume, '/f')).toEqual(expected);
    expect(volume.nodes).toMatchObject([{ data: { storedBytes: 1536 } }]);
  });

  it('end at their length, also within an extent, and may say it as text', async () => {
    const volume = await readRoot(
      {
        children: {
          f: { filelength: '700', extents: { '0': { length: '2', offset: String(first), allocated: '4' } } },
        },
      },
      { data },
    );
    expect(await contentOf(volume, '/f')).toEqual(data.subarray(0, 700));
  });

  it('of two names are one file', async () => {
    const root = encode({ children: { a: fileTuple(512, [[0, 1, first]]) } });
    const again = encode({ ref: 3, set: { b: { raw: [...header(false, valueType.tuple, 0), ...varint(5)] } } });
    const volume = await readLog([...whole(root), ...whole(again)], { data });
    const [a, b] = volume.nodes;
    expect([a?.path, b?.path]).toEqual(['/a', '/b']);
    expect(a?.kind === 'file' && b?.kind === 'file' && a.data === b.data).toBe(true);
  });
});

describe('a damaged file system is refused, with the place of the damage', () => {
  const first = dataSector();
  const data = Buffer.alloc(4 * 512);
  const leaf: Written = { linktarget: '/x' };

  it.each<[string, readonly number[], RegExp]>([
    ['an unknown record', [9], /unknown kind of record \(9\) in the log at byte 520/],
    [
      'a log without an end',
      new Array(4 * 512 - 8).fill(record.endOfSegment),
      /ends in the middle of a record at byte 2560/,
    ],
    ['a record longer than its piece', [record.tuple, ...varint(9999), ...varint(9999)], /9999 bytes are announced/],
    ['a part longer than its record', [record.tuple, 2, 3, 0, 0, 0], /a part of 3 bytes in a record that lacks 2/],
    ['a record in a record', [record.tuple, 9, 1, 0, record.tuple, 1, 1, 0], /begins in the middle of another/],
    ['a part of nothing', [record.tupleContinued, 0], /goes on that did not begin/],
    ['a record of absurd length', [record.tuple, ...varint(2 ** 40), 0], /a record of 1099511627776 bytes/],
    ['a number without end', [record.tuple, ...new Array(20).fill(0xff)], /longer than numbers are/],
    ['more values than bytes', whole([...header(true, valueType.tuple, 1e9)]), /1000000000 values are announced/],
    ['more entries than bytes in a vector', whole([0x91, 0x81, 97, ...header(true, 2, 5e8)]), /500000000 values/],
    ['a string longer than the record', whole([0x91, 0x81, 97, ...header(true, 4, 4000)]), /4000 bytes are announced/],
    ['a record that is not a tuple', whole([0xc1, 97]), /not a tuple/],
    ['bytes after a record', whole([0x90, 0]), /goes on after its end at byte 524/],
    ['a reference to nothing', whole([0x11, 99]), /referred to \(99\)/],
    ['a tuple that refers to a name', whole([0x91, 0x81, 97, 0x10, 2]), /refers to what is none/],
    ['a vector that refers to a tuple', whole([0x91, 0x81, 97, 0x20, 1]), /refers to what is none/],
    ['a name that refers to a tuple', whole([0x91, 0x01, 0xc0]), /a name refers to what is none/],
    ['a name of another type', whole([0x91, 0xc1, 97, 0xc0]), /a name of type 4/],
    ['a value of no type', whole([0x91, 0x81, 97, 0xf0]), /a value of type 7/],
    ['no root', [], /has no root tuple/],
    [
      'a link to itself',
      [record.extensionLink, 1, 4],
      /goes on where it was before \(bytes 512 to 2560\): the link is at byte 520/,
    ],
    ['a link outside', [record.extensionLink, ...varint(1e6), 4], /outside its file system/],
    ['a link of no length', [record.extensionLink, 1, 0], /outside its file system/],
  ])('%s', async (_, log, message) => {
    await expect(readLog(log)).rejects.toMatchObject(refused(message));
  });

  it.each<[string, Written, RegExp]>([
    ['a file length that is not a number', { filelength: '-1', extents: {} }, /says it has "-1" bytes/],
    ['a file length beyond all files', { filelength: 2n ** 63n, extents: {} }, /says it has 9223372036854775808 bytes/],
    ['an extent outside the disk', fileTuple(512, [[0, 1, 100]]), /outside the file system \(bytes 51200 to 51712\)/],
    ['an extent without length', fileTuple(512, [[0, 0, first]]), /without length/],
    ['an extent of absurd length', fileTuple(512, [[0, 2 ** 52, first]]), /outside the file system/],
    ['an extent at an absurd place', fileTuple(512, [[2 ** 52, 1, first]]), /at "4503599627370496" of its file/],
    [
      'extents that overlap in the file',
      fileTuple(512, [
        [0, 2, first],
        [1, 1, first + 2],
      ]),
      /extents of a file overlap/,
    ],
    ['an extent over the log', fileTuple(512, [[0, 1, 2]]), /the log and "\/f" both take the room at byte 1024/],
    ['an extent that is not a tuple', { filelength: 1n, extents: { '0': 'x' } }, /an extent is not a tuple/],
    ['a link to nowhere', { linktarget: '' }, /"\/f" is not a path/],
    ['an entry that is not a tuple', 'text', /"\/f" is not a tuple/],
  ])('%s', async (_, file, message) => {
    await expect(readRoot({ children: { f: file } }, { data })).rejects.toMatchObject(refused(message));
  });

  it.each(['a/b', '', 'a\0b', 'n'.repeat(256)])('a name that no file may have: %j', async (name) => {
    await expect(readRoot({ children: { [name]: leaf } })).rejects.toMatchObject(
      refused(/a name that no file may have/),
    );
  });

  it('two files that take the same room', async () => {
    const file = fileTuple(512, [[0, 1, first]]);
    await expect(readRoot({ children: { a: file, b: file } }, { data })).rejects.toMatchObject(
      refused(/"\/a" and "\/b" both take the room at byte 2560/),
    );
  });

  it('a directory in itself, and directories in each other without end', async () => {
    // 1 root, 2 "children", 3 its tuple, 4 "d", 5 the tuple of d.
    const root = whole(encode({ children: { d: { children: {} } } }));
    const loop = [...header(false, valueType.tuple, 0), ...varint(5)];
    const inside = { ref: 7, set: { again: { raw: loop } } };
    await expect(readLog([...root, ...whole(encode(inside))])).rejects.toMatchObject(
      refused(/the directory "\/d\/again" is in itself/),
    );
    // Each of thirty directories is in the one above twice: 2^30 paths from a log of a few hundred bytes.
    let nested: Written = { children: {} };
    const double = (inner: Written): Written => ({ children: { a: inner } });
    for (let level = 0; level < 30; level++) nested = double(nested);
    const twice = Array.from({ length: 29 }, (_, level) => {
      const children = 3 + level * 4;
      return whole([
        ...header(false, valueType.tuple, 1),
        ...varint(children),
        ...symbol('b'),
        ...header(false, valueType.tuple, 0),
        ...varint(children + 2),
      ]);
    });
    await expect(readLog([...whole(encode(nested)), ...twice.flat()])).rejects.toMatchObject(
      refused(/more than 1000000 entries/),
    );
  });

  it('tuples thousands deep', async () => {
    const deep = Array.from({ length: 20_000 }, () => [0x91, 0x81, 97]).flat();
    await expect(readLog(whole([...deep, 0x90]), { logSectors: 200 })).rejects.toMatchObject(
      refused(/more than 8192 deep/),
    );
  });

  it.each([
    ['no file system', Buffer.alloc(4096), /no file system of Nanos \(TFS\) at byte 0/],
    ['another version', volumeBytes({ version: 3, log: [] }), /TFS of version 3, where 4 and 5 are known/],
    ['an empty file', new Uint8Array(), /no file system of Nanos/],
    ['a piece of a sector', volumeBytes({ log: [] }).slice(0, 100), /no file system of Nanos/],
    ['a file cut short', volumeBytes({ log: [] }).slice(0, 1024), /outside its file system \(bytes 512 to 2560\)/],
    ['a label without end', Buffer.concat([volumeBytes({ log: [] }).slice(0, 24), Buffer.alloc(488, 'x')]), /a label/],
  ])('%s', async (_, bytes, message) => {
    await expect(read(bytes)).rejects.toMatchObject(refused(message));
  });
});
