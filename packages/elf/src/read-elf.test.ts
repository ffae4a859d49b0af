import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sourceOfBytes, withFileSource } from './byte-source.ts';
import { type Elf, readElf } from './read-elf.ts';
import { readSections } from './read-sections.ts';
import { findNames, symbolTables } from './read-symbols.ts';
import { emptyMain, libraryCode, openWorkshop, type Workshop } from './testing/compile.ts';

let shop: Workshop;
beforeAll(async () => {
  shop = await openWorkshop();
});
afterAll(() => shop.remove());

const read = (path: string): Promise<Elf> => withFileSource(path, (source) => readElf(source));

/** A file with some of its bytes replaced. */
async function changed(path: string, change: (bytes: Buffer) => void): Promise<Promise<Elf>> {
  const bytes = await readFile(path);
  change(bytes);
  return readElf(sourceOfBytes('program', bytes));
}

describe('the kind of an ELF file', () => {
  test.each([
    ['static', ['-static']],
    ['static-pie', ['-static-pie']],
    ['executable', ['-no-pie']],
    ['pie', ['-pie']],
    ['shared object', ['-shared', '-fPIC']],
    ['relocatable', ['-c']],
  ] as const)('%s', async (type, flags) => {
    const elf = await read(await shop.compile(`kind-${type.replace(' ', '-')}`, emptyMain, ...flags));
    expect(elf).toMatchObject({ type, machine: 'x86-64' });
    const isDynamic = type === 'executable' || type === 'pie';
    expect(elf.interpreter).toBe(isDynamic ? '/lib64/ld-linux-x86-64.so.2' : null);
  });

  test('a C library that can be run is a shared object all the same', async () => {
    expect(await read('/lib/x86_64-linux-gnu/libc.so.6')).toMatchObject({
      type: 'shared object',
      interpreter: '/lib64/ld-linux-x86-64.so.2',
      dynamic: { soname: 'libc.so.6' },
    });
  });

  test('the dynamic section and the build id are what the linker wrote', async () => {
    const library = await shop.compile('libone.so', libraryCode('one'), '-shared', '-fPIC', '-Wl,-soname,libone.so.1');
    const id = '0123456789abcdef';
    const flags = ['-Wl,--no-as-needed', library, `-Wl,--build-id=0x${id}`, '-Wl,-rpath,$ORIGIN/lib:/opt/lib'];
    const withRunpath = await read(await shop.compile('runpath', emptyMain, ...flags, '-Wl,--enable-new-dtags'));
    expect(withRunpath.dynamic).toMatchObject({ rpath: null, runpath: '$ORIGIN/lib:/opt/lib' });
    expect(withRunpath.dynamic?.needed).toEqual(['libone.so.1', 'libc.so.6']);
    expect(withRunpath.buildId).toBe(id);
    const withRpath = await read(await shop.compile('rpath', emptyMain, ...flags, '-Wl,--disable-new-dtags'));
    expect(withRpath.dynamic).toMatchObject({ rpath: '$ORIGIN/lib:/opt/lib', runpath: null });
  });

  test('symbols are read as defined or undefined', async () => {
    const path = await shop.compile('symbols', '#include <stdio.h>\nint mine;\nint main(void) { return puts("x"); }');
    await withFileSource(path, async (source) => {
      const tables = symbolTables(source, await readSections(source, (await readElf(source)).header));
      const names = new Set(['main', 'mine', 'puts', 'nowhere', 'in']);
      const [symtab, dynsym] = await Promise.all(tables.map((table) => findNames(source, table, names)));
      expect(symtab).toEqual(new Map([...(symtab ?? [])].filter(([name]) => name === 'main' || name === 'mine')));
      expect(symtab).toEqual(new Map(Object.entries({ mine: true, main: true })));
      expect(dynsym).toEqual(new Map([['puts', false]]));
    });
  });
});

describe('a file that cannot be read', () => {
  const invalid = (words: RegExp) =>
    expect.objectContaining({
      reason: expect.stringMatching(/^(invalid|not-elf)$/),
      message: expect.stringMatching(words),
    });

  test('says what it is instead', async () => {
    await expect(read('/usr/bin/ldd')).rejects.toEqual(invalid(/is a script/));
    await expect(read('/etc/passwd')).rejects.toEqual(invalid(/is not an ELF file/));
    await expect(read('/dev/null')).rejects.toEqual(expect.objectContaining({ reason: 'not-a-file' }));
    await expect(read('/usr')).rejects.toEqual(expect.objectContaining({ reason: 'not-a-file' }));
    await expect(read('/no/such/file')).rejects.toEqual(expect.objectContaining({ reason: 'not-found' }));
    await expect(readElf(sourceOfBytes('none', new Uint8Array()))).rejects.toEqual(invalid(/is empty/));
  });

  test('says where an absurd header is wrong', async () => {
    const path = await shop.compile('victim', emptyMain);
    const segmentAt = (bytes: Buffer, type: number) => {
      for (let at = 64; ; at += 56) if (bytes.readUInt32LE(at) === type) return at;
    };
    const cases: [RegExp, (bytes: Buffer) => void][] = [
      [/class \(byte 4\) is 9/, (bytes) => bytes.writeUInt8(9, 4)],
      [/byte order \(byte 5\) is 0/, (bytes) => bytes.writeUInt8(0, 5)],
      [/a program header has 3 bytes/, (bytes) => bytes.writeUInt16LE(3, 54)],
      [/40000 program headers/, (bytes) => bytes.writeUInt16LE(40_000, 56)],
      [/program headers \(offset 0xffffffffffffffff/, (bytes) => bytes.writeBigUInt64LE(2n ** 64n - 1n, 32)],
      [
        /segment \d+ \(offset 0x3ffc000000000000, /,
        (bytes) => bytes.writeBigUInt64LE(0xfffn << 50n, segmentAt(bytes, 1) + 8),
      ],
      [/more bytes in the file than in memory/, (bytes) => bytes.writeBigUInt64LE(1n, segmentAt(bytes, 1) + 40)],
      [/its interpreter "" is not an absolute path/, (bytes) => bytes.writeBigUInt64LE(7n, segmentAt(bytes, 3) + 8)],
    ];
    for (const [words, change] of cases) await expect(changed(path, change)).rejects.toEqual(invalid(words));
  });

  test('names the machine of a file for another one', async () => {
    const path = await shop.compile('other', emptyMain);
    const of32Bits = changed(path, (bytes) => {
      bytes.writeUInt8(1, 4);
      bytes.writeUInt16LE(3, 18);
    });
    const message = expect.stringContaining('program is for 32-bit i386');
    await expect(of32Bits).rejects.toEqual(expect.objectContaining({ reason: 'wrong-machine', message }));
  });

  test('a file that was cut short anywhere is refused or read, and nothing else', async () => {
    const bytes = await readFile(await shop.compile('short', emptyMain));
    for (let length = 0; length < bytes.length; length += 97) {
      const source = sourceOfBytes('program', bytes.subarray(0, length));
      const read = readElf(source).then(({ header }) => readSections(source, header));
      await read.catch((thrown: unknown) => expect(thrown).toEqual(invalid(/./)));
    }
  });
});
