import type { ByteSource } from './byte-source.ts';
import { extendedIndex, sectionType } from './elf-numbers.ts';
import { type ElfHeader, elfInvalid } from './read-header.ts';
import { checkRange, readExactly } from './read-table.ts';

/** A section. Units: bytes; `address` is virtual, as linked, 0 for sections that are not loaded. */
export interface Section {
  readonly name: string;
  readonly type: number;
  readonly address: bigint;
  readonly offset: number;
  readonly bytes: number;
  /** The section that this one refers to: the strings of a symbol table. */
  readonly link: number;
  readonly entryBytes: number;
}

const entryBytes = 64;
/** 262,144 sections: an object file with a section for each of its functions stays below this. */
const maxTableBytes = 16 * 1024 * 1024;
const maxNamesBytes = 16 * 1024 * 1024;

/** The sections of a file; empty when they have been stripped. Errors: `invalid`. */
export async function readSections(source: ByteSource, header: ElfHeader): Promise<readonly Section[]> {
  if (header.sectionsAt === 0n) return [];
  if (header.sectionBytes !== entryBytes) {
    throw elfInvalid(source, `a section header has ${header.sectionBytes} bytes, and ${entryBytes} is the only size`);
  }
  const first = await readExactly(source, header.sectionsAt, entryBytes, 'the first section header');
  const count = header.sectionCount === 0 ? first.readBigUInt64LE(32) : BigInt(header.sectionCount);
  if (count * BigInt(entryBytes) > maxTableBytes) throw elfInvalid(source, `it has ${count} sections`);
  const table = await readExactly(source, header.sectionsAt, Number(count) * entryBytes, 'the section headers');
  const nameIndex = header.nameSection === extendedIndex ? first.readUInt32LE(40) : header.nameSection;
  const names = await readNames(source, table, nameIndex);
  const sections: Section[] = [];
  for (let at = 0; at < table.length; at += entryBytes) sections.push(parseSection(source, table, at, names));
  return sections;
}

async function readNames(source: ByteSource, table: Buffer, index: number): Promise<Buffer> {
  const at = index * entryBytes;
  if (index === 0) return Buffer.alloc(0);
  if (at >= table.length) throw elfInvalid(source, `the section ${index} with the section names does not exist`);
  const bytes = table.readBigUInt64LE(at + 32);
  if (bytes > maxNamesBytes) throw elfInvalid(source, `its section names take ${bytes} bytes`);
  return readExactly(source, table.readBigUInt64LE(at + 24), Number(bytes), 'the table of section names');
}

function parseSection(source: ByteSource, table: Buffer, at: number, names: Buffer): Section {
  const type = table.readUInt32LE(at + 4);
  const offset = table.readBigUInt64LE(at + 24);
  const bytes = table.readBigUInt64LE(at + 32);
  const isRead = type === sectionType.symbols || type === sectionType.dynamicSymbols || type === sectionType.strings;
  if (isRead) checkRange(source, offset, bytes, `section ${at / entryBytes}`);
  return {
    name: zeroEnded(names, table.readUInt32LE(at)),
    type,
    address: table.readBigUInt64LE(at + 16),
    offset: Number(offset),
    bytes: Number(bytes),
    link: table.readUInt32LE(at + 40),
    entryBytes: Number(table.readBigUInt64LE(at + 56)),
  };
}

/** The string at an offset of a table, up to its zero byte; empty past the table's end. */
export function zeroEnded(table: Buffer, at: number): string {
  if (at >= table.length) return '';
  const end = table.indexOf(0, at);
  return table.toString('utf8', at, end === -1 ? table.length : end);
}
