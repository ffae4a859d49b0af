import type { ByteSource } from './byte-source.ts';
import { sectionType, undefinedSection } from './elf-numbers.ts';
import { elfInvalid } from './read-header.ts';
import { type Section, zeroEnded } from './read-sections.ts';

/** A symbol before its name is looked up. Units: `bytes` of the object in memory. */
export interface RawSymbol {
  readonly nameAt: number;
  /** As in `symbolType`. */
  readonly type: number;
  readonly isDefined: boolean;
  readonly address: bigint;
  readonly bytes: bigint;
}

/** A symbol table with the place of its names. */
export interface SymbolTable {
  readonly kind: 'symtab' | 'dynsym';
  readonly symbols: Section;
  readonly strings: Section;
}

const entryBytes = 24;
/** The size of one read: a whole number of entries, about a megabyte. */
const chunkBytes = entryBytes * 43_690;
/** Five and a half million symbols: several times as many as a debug build of Chromium has in a file. */
const maxTableBytes = 128 * 1024 * 1024;
/** Names of the biggest known programs take 20 MB; larger tables are read name by name. */
const maxStringsBytes = 128 * 1024 * 1024;
const maxNameBytes = 4096;

/** The symbol tables of a file, `.symtab` first, since it also has the symbols that are not exported. */
export function symbolTables(source: ByteSource, sections: readonly Section[]): SymbolTable[] {
  const wanted = [
    ['symtab', sectionType.symbols],
    ['dynsym', sectionType.dynamicSymbols],
  ] as const;
  return wanted.flatMap(([kind, type]) => {
    const symbols = sections.find((section) => section.type === type);
    if (symbols === undefined) return [];
    const strings = sections[symbols.link];
    if (strings?.type !== sectionType.strings) throw elfInvalid(source, `the names of its ${kind} are in no section`);
    if (symbols.entryBytes !== entryBytes) {
      throw elfInvalid(
        source,
        `a symbol of its ${kind} has ${symbols.entryBytes} bytes, and ${entryBytes} is the only size`,
      );
    }
    if (symbols.bytes > maxTableBytes) throw elfInvalid(source, `its ${kind} has ${symbols.bytes} bytes`);
    return [{ kind, symbols, strings }];
  });
}

/** Calls `visit` with each symbol of a table, in order, without loading the whole table. */
export async function forEachSymbol(
  source: ByteSource,
  { symbols }: SymbolTable,
  visit: (symbol: RawSymbol) => void,
): Promise<void> {
  for (let at = 0; at < symbols.bytes; at += chunkBytes) {
    const chunk = await source.read(symbols.offset + at, Math.min(chunkBytes, symbols.bytes - at));
    for (let entry = 0; entry + entryBytes <= chunk.length; entry += entryBytes) {
      visit({
        nameAt: chunk.readUInt32LE(entry),
        type: chunk.readUInt8(entry + 4) & 0xf,
        isDefined: chunk.readUInt16LE(entry + 6) !== undefinedSection,
        address: chunk.readBigUInt64LE(entry + 8),
        bytes: chunk.readBigUInt64LE(entry + 16),
      });
    }
  }
}

/** The name of one symbol, read by itself; cut at a length limit. */
export async function readSymbolName(source: ByteSource, { strings }: SymbolTable, nameAt: number): Promise<string> {
  if (nameAt >= strings.bytes) return '';
  return zeroEnded(await source.read(strings.offset + nameAt, Math.min(maxNameBytes, strings.bytes - nameAt)), 0);
}

/** All names of a table. Errors: `invalid` above a limit. */
async function readNames(source: ByteSource, { kind, strings }: SymbolTable): Promise<Buffer> {
  if (strings.bytes > maxStringsBytes) throw elfInvalid(source, `the names of its ${kind} take ${strings.bytes} bytes`);
  return source.read(strings.offset, strings.bytes);
}

/**
 * The members of `names` in a table: true when the table defines the name, false when it only imports it.
 *
 * Shape: names without a version (`fork` for `fork@GLIBC_2.2.5`).
 */
export async function findNames(
  source: ByteSource,
  table: SymbolTable,
  names: ReadonlySet<string>,
): Promise<Map<string, boolean>> {
  const strings = await readNames(source, table);
  const places = placesOf(strings, names);
  const found = new Map<string, boolean>();
  await forEachSymbol(source, table, ({ nameAt, isDefined }) => {
    const name = places.get(nameAt);
    if (name !== undefined) found.set(name, found.get(name) === true || isDefined);
  });
  return found;
}

/** The possible starts of each name in a string table; linkers let a name share the end of a longer one. */
function placesOf(strings: Buffer, names: ReadonlySet<string>): Map<number, string> {
  const places = new Map<number, string>();
  for (const name of names) {
    const needle = Buffer.from(`${name}\0`);
    for (let at = strings.indexOf(needle); at !== -1; at = strings.indexOf(needle, at + 1)) places.set(at, name);
  }
  return places;
}
