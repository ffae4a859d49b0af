import {
  type ByteSource,
  type Elf,
  forEachSymbol,
  type RawSymbol,
  readElf,
  readSections,
  readSymbolName,
  type Segment,
  type SymbolTable,
  segmentType,
  symbolTables,
  symbolType,
  withFileSource,
} from '@firstlight/elf';
import type { SymbolPlace } from './read-context.ts';

/** A file with code in it. */
export interface CodeFile {
  /** Its path in the guest, or `kernel`. */
  readonly path: string;
  readonly hostPath: string;
}

interface Best {
  readonly symbol: RawSymbol;
  readonly table: SymbolTable;
}

/**
 * The functions in which addresses of a file lie, as it was linked. Each file is read once for any number of addresses.
 *
 * Errors: as `readElf`.
 */
export async function findSymbols(
  file: CodeFile,
  addresses: readonly bigint[],
): Promise<ReadonlyMap<bigint, SymbolPlace>> {
  return withFileSource(
    file.hostPath,
    async (source) => {
      const elf = await readElf(source);
      const best = new Map<bigint, Best>();
      for (const table of symbolTables(source, await readSections(source, elf.header))) {
        await forEachSymbol(source, table, (symbol) => {
          if (!isCode(symbol)) return;
          for (const address of addresses) {
            if (covers(symbol, address) && isBetter(symbol, best.get(address))) best.set(address, { symbol, table });
          }
        });
      }
      return namePlaces(source, best);
    },
    file.path,
  );
}

const isCode = ({ type, isDefined }: RawSymbol): boolean =>
  isDefined && (type === symbolType.function || type === symbolType.indirectFunction || type === symbolType.none);

/** Labels of assembly have no length: they extend to the next symbol, up to a limit. */
const maxLabelBytes = 4096n;
const covers = ({ address: start, bytes }: RawSymbol, address: bigint): boolean =>
  start !== 0n && address >= start && address < start + (bytes === 0n ? maxLabelBytes : bytes);

/** A function is better than a label, and the nearer one better than the farther one. */
function isBetter(symbol: RawSymbol, than: Best | undefined): boolean {
  if (than === undefined) return true;
  const isSized = symbol.bytes > 0n;
  if (isSized !== than.symbol.bytes > 0n) return isSized;
  return symbol.address > than.symbol.address;
}

async function namePlaces(source: ByteSource, best: ReadonlyMap<bigint, Best>): Promise<Map<bigint, SymbolPlace>> {
  const places = new Map<bigint, SymbolPlace>();
  for (const [address, { symbol, table }] of best) {
    const name = await readSymbolName(source, table, symbol.nameAt);
    if (name !== '') places.set(address, { name, offset: Number(address - symbol.address) });
  }
  return places;
}

/** A file's code as it lies in memory when it is loaded at its linked address. */
export interface Code {
  readonly elf: Elf;
  readonly segments: readonly { readonly start: number; readonly bytes: Buffer }[];
}

/** The code of Chromium is 200 MB; a bigger file is not realistic and gets no load address. */
const maxCodeBytes = 64 * 1024 * 1024;

/** The machine code of a file; null when it is too large for memory. Errors: as `readElf`. */
export async function readCode(file: CodeFile): Promise<Code | null> {
  return withFileSource(
    file.hostPath,
    async (source) => {
      const elf = await readElf(source);
      const wanted = elf.segments.filter((segment) => segment.type === segmentType.load && segment.executable);
      if (wanted.reduce((sum, { fileBytes }) => sum + fileBytes, 0) > maxCodeBytes) return null;
      const read = async ({ address, offset, fileBytes }: Segment) => ({
        start: Number(address),
        bytes: await source.read(offset, fileBytes),
      });
      return { elf, segments: await Promise.all(wanted.map(read)) };
    },
    file.path,
  );
}
