/**
 * Numbers of the ELF format.
 *
 * Source: System V ABI, chapters 4 and 5; the AMD64 supplement; `/usr/include/elf.h` for the GNU extensions.
 */

export const magic = Buffer.from([0x7f, 0x45, 0x4c, 0x46]);

export const fileType = { relocatable: 1, executable: 2, shared: 3, core: 4 } as const;

export const segmentType = { load: 1, dynamic: 2, interpreter: 3, note: 4 } as const;

export const sectionType = { symbols: 2, strings: 3, dynamicSymbols: 11, noBits: 8 } as const;

export const dynamicTag = {
  end: 0,
  needed: 1,
  stringTable: 5,
  stringTableBytes: 10,
  soname: 14,
  rpath: 15,
  debug: 21,
  runpath: 29,
  flags1: 0x6ffffffb,
} as const;

/** Bits of the tag `flags1`. */
export const flags1 = { noDefaultLibraries: 0x800, pie: 0x8000000 } as const;

export const symbolType = { none: 0, object: 1, function: 2, indirectFunction: 10 } as const;

/** Reserved section numbers without a section. */
export const undefinedSection = 0;
/** The section count or the number of the name section is too big for its field: section 0 contains it. */
export const extendedIndex = 0xffff;

/** The note with the build's id, by the name GNU. */
export const buildIdNote = 3;

export const x8664 = 62;

const machineNames: Readonly<Record<number, string>> = {
  2: 'SPARC',
  3: 'i386',
  8: 'MIPS',
  20: 'PowerPC',
  21: 'PowerPC 64',
  22: 's390',
  40: 'ARM',
  43: 'SPARC 64',
  50: 'IA-64',
  [x8664]: 'x86-64',
  183: 'aarch64',
  243: 'RISC-V',
  247: 'BPF',
  258: 'LoongArch',
};

/** The common name of a machine. */
export const machineName = (machine: number): string => machineNames[machine] ?? `machine ${machine}`;
