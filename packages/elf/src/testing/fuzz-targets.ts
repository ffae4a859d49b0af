import { readFile } from 'node:fs/promises';
import type { FuzzTarget } from '@firstlight/files/testing';
import { findNames, readElf, readSections, sourceOfBytes, symbolTables } from '../index.ts';
import { openWorkshop } from './compile.ts';

/** Programs of one or two kilobytes. */
async function smallPrograms(): Promise<Uint8Array[]> {
  const shop = await openWorkshop();
  const small = ['-nostdlib', '-Os', '-Wl,-z,noseparate-code', '-Wl,-z,norelro', '-fno-asynchronous-unwind-tables'];
  try {
    const code = 'int used(void) { return 1; }\nvoid _start(void) { for (;;) used(); }';
    const paths = [
      await shop.compile('static', code, ...small, '-static', '-Wl,--build-id=0x0123456789abcdef'),
      await shop.compile('library.so', code, ...small, '-shared', '-fPIC', '-Wl,-soname,library.so.1'),
      await shop.compile(
        'program',
        code,
        ...small,
        '-pie',
        '-fPIE',
        'library.so',
        '-Wl,--no-as-needed,-rpath,$ORIGIN/lib',
      ),
    ];
    return await Promise.all(paths.map((path) => readFile(path)));
  } finally {
    await shop.remove();
  }
}

/** Reads all parts of an ELF file: its headers, its dynamic section, its sections, its symbols. */
const elfFiles: FuzzTarget = {
  name: 'ELF files',
  corpus: smallPrograms,
  parse: async (input) => {
    const source = sourceOfBytes('program', input);
    const { header } = await readElf(source);
    for (const table of symbolTables(source, await readSections(source, header))) {
      await findNames(source, table, new Set(['used', 'fork']));
    }
  },
};

export const fuzzTargets: readonly FuzzTarget[] = [elfFiles];
