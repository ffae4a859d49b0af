import type { ByteSource } from './byte-source.ts';
import { ElfError } from './elf-error.ts';
import { extendedIndex, machineName, magic } from './elf-numbers.ts';

/** The first bytes of an ELF file, of any class and byte order. Units: offsets and sizes in bytes. */
export interface ElfHeader {
  readonly bits: 32 | 64;
  readonly byteOrder: 'little' | 'big';
  /** As in `fileType`. */
  readonly type: number;
  readonly machine: number;
  readonly entry: bigint;
  readonly segmentsAt: bigint;
  readonly segmentCount: number;
  readonly segmentBytes: number;
  readonly sectionsAt: bigint;
  /** The raw value: 0 with `sectionsAt` means that the count is in section 0. */
  readonly sectionCount: number;
  readonly sectionBytes: number;
  readonly nameSection: number;
}

const headerBytes = { 32: 52, 64: 64 } as const;

/**
 * The header of an ELF file.
 *
 * Errors: `not-elf`; `invalid` when its header is not consistent.
 */
export async function readElfHeader(source: ByteSource): Promise<ElfHeader> {
  const bytes = await source.read(0, headerBytes[64]);
  if (!bytes.subarray(0, magic.length).equals(magic)) throw notElf(source, bytes);
  const bits = ({ 1: 32, 2: 64 } as const)[bytes[4] ?? 0];
  const byteOrder = ({ 1: 'little', 2: 'big' } as const)[bytes[5] ?? 0];
  if (bits === undefined) throw elfInvalid(source, `its class (byte 4) is ${bytes[4]}, and only 1 and 2 exist`);
  if (byteOrder === undefined)
    throw elfInvalid(source, `its byte order (byte 5) is ${bytes[5]}, and only 1 and 2 exist`);
  if (bytes.length < headerBytes[bits]) {
    throw elfInvalid(source, `it ends after ${bytes.length} bytes, within its header of ${headerBytes[bits]}`);
  }
  return parseHeader(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), bits, byteOrder);
}

function parseHeader(view: DataView, bits: 32 | 64, byteOrder: 'little' | 'big'): ElfHeader {
  const little = byteOrder === 'little';
  const u16 = (at: number) => view.getUint16(at, little);
  const word = (at: number) => (bits === 64 ? view.getBigUint64(at, little) : BigInt(view.getUint32(at, little)));
  const wordBytes = bits / 8;
  /** The place of the fields after the three words. */
  const rest = 24 + 3 * wordBytes;
  return {
    bits,
    byteOrder,
    type: u16(16),
    machine: u16(18),
    entry: word(24),
    segmentsAt: word(24 + wordBytes),
    sectionsAt: word(24 + 2 * wordBytes),
    segmentBytes: u16(rest + 6),
    segmentCount: u16(rest + 8),
    sectionBytes: u16(rest + 10),
    sectionCount: u16(rest + 12),
    nameSection: u16(rest + 14),
  };
}

/** The machine that a header names: `32-bit i386`. */
export function describeHeader({ bits, byteOrder, machine }: ElfHeader): string {
  return `${bits}-bit ${byteOrder === 'big' ? 'big-endian ' : ''}${machineName(machine)}`;
}

/** The error for a file of another machine: `because` names the supported machine. */
export function wrongArchitecture(name: string, header: ElfHeader, because: string): ElfError {
  return new ElfError('wrong-machine', `${name} is for ${describeHeader(header)}: ${because}.`, {
    hint: 'Build or download the program for x86-64 Linux.',
    subject: name,
  });
}

/** True when the real number of segments is in another field: only core files have that many. */
export const hasExtendedSegments = (header: ElfHeader): boolean => header.segmentCount === extendedIndex;

/** The error for a damaged file: `what` follows "cannot be read as an ELF file:". */
export function elfInvalid(source: ByteSource, what: string): ElfError {
  return new ElfError('invalid', `${source.name} cannot be read as an ELF file: ${what}.`, {
    hint: 'The file is damaged or was cut short. Build or copy it again; `readelf -a` shows what is in it.',
    subject: source.name,
  });
}

function notElf(source: ByteSource, start: Buffer): ElfError {
  const isScript = start.subarray(0, 2).toString('latin1') === '#!';
  const what = isScript ? 'a script' : start.length === 0 ? 'empty' : 'not an ELF file';
  return new ElfError('not-elf', `${source.name} is ${what}, and a unikernel runs an ELF program.`, {
    hint: isScript
      ? 'Name the interpreter of the script as the program, and the script as its first argument.'
      : 'Name the program itself: a binary that Linux runs.',
    subject: source.name,
  });
}
