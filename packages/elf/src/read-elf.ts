import type { ByteSource } from './byte-source.ts';
import { buildIdNote, fileType, machineName, segmentType } from './elf-numbers.ts';
import { type Dynamic, readDynamic } from './read-dynamic.ts';
import { type ElfHeader, elfInvalid, hasExtendedSegments, readElfHeader, wrongArchitecture } from './read-header.ts';
import { checkRange, readExactly } from './read-table.ts';
import type { Segment } from './segment.ts';

/**
 * The kind of file. `executable` is dynamically linked at a fixed address, `pie` dynamically linked at any address;
 * `static` and `static-pie` need no library.
 */
export type ElfType =
  | 'executable'
  | 'pie'
  | 'static'
  | 'static-pie'
  | 'shared object'
  | 'relocatable'
  | 'core'
  | 'unknown';

/** The data of a 64-bit little-endian ELF file without its sections and symbols. */
export interface Elf {
  readonly name: string;
  readonly bytes: number;
  readonly header: ElfHeader;
  readonly machine: string;
  readonly type: ElfType;
  readonly segments: readonly Segment[];
  readonly interpreter: string | null;
  readonly dynamic: Dynamic | null;
  /** Shape: hexadecimal. */
  readonly buildId: string | null;
}

/** The most bytes of program headers that Linux reads. */
const maxSegmentTableBytes = 64 * 1024;
const segmentEntryBytes = 56;
/** Linux' longest path, with its zero byte. */
const maxInterpreterBytes = 4096;
/** The limit for notes: only the build's id is needed, which linkers put early. */
const maxNoteBytes = 64 * 1024;

/**
 * The description of an ELF file: kind, machine, segments, interpreter, dynamic section, build id.
 *
 * Errors: `invalid` with the fault and its place; `wrong-machine` for 32-bit and big-endian files.
 */
export async function readElf(source: ByteSource): Promise<Elf> {
  const header = await readElfHeader(source);
  if (header.bits !== 64 || header.byteOrder !== 'little') {
    throw wrongArchitecture(source.name, header, 'only programs for 64-bit little-endian machines can be read');
  }
  const segments = await readSegments(source, header);
  const dynamicSegment = segments.find(({ type }) => type === segmentType.dynamic);
  const interpreter = await readInterpreter(source, segments);
  const dynamic = dynamicSegment === undefined ? null : await readDynamic(source, dynamicSegment, segments);
  return {
    name: source.name,
    bytes: source.bytes,
    header,
    machine: machineName(header.machine),
    type: typeOf(header, interpreter, dynamic),
    segments,
    interpreter,
    dynamic,
    buildId: await readBuildId(source, segments),
  };
}

function typeOf(header: ElfHeader, interpreter: string | null, dynamic: Dynamic | null): ElfType {
  switch (header.type) {
    case fileType.relocatable:
      return 'relocatable';
    case fileType.core:
      return 'core';
    case fileType.executable:
      return interpreter === null ? 'static' : 'executable';
    case fileType.shared:
      // libc.so.6 has an interpreter too, since it can be run: only linkers' entries for programs identify a program.
      if (dynamic?.isProgram) return interpreter === null ? 'static-pie' : 'pie';
      return interpreter !== null && dynamic?.soname === null ? 'pie' : 'shared object';
    default:
      return 'unknown';
  }
}

async function readSegments(source: ByteSource, header: ElfHeader): Promise<Segment[]> {
  const { segmentCount: count, segmentBytes: stride } = header;
  if (count === 0) return [];
  if (stride !== segmentEntryBytes) {
    throw elfInvalid(source, `a program header has ${stride} bytes, and ${segmentEntryBytes} is the only size`);
  }
  const length = count * stride;
  if (length > maxSegmentTableBytes || hasExtendedSegments(header)) {
    throw elfInvalid(source, `it has ${count} program headers, more than Linux loads`);
  }
  const table = await readExactly(source, header.segmentsAt, length, 'the program headers');
  const segments: Segment[] = [];
  for (let at = 0; at < length; at += stride) segments.push(parseSegment(source, table, at, at / stride));
  return segments;
}

function parseSegment(source: ByteSource, table: Buffer, at: number, index: number): Segment {
  const offset = table.readBigUInt64LE(at + 8);
  const fileBytes = table.readBigUInt64LE(at + 32);
  const type = table.readUInt32LE(at);
  const isWanted = Object.values(segmentType).some((wanted) => wanted === type);
  if (isWanted && fileBytes > 0n) {
    checkRange(source, offset, fileBytes, `segment ${index}`);
    if (type === segmentType.load && table.readBigUInt64LE(at + 40) < fileBytes) {
      throw elfInvalid(source, `segment ${index} has more bytes in the file than in memory`);
    }
  }
  return {
    type,
    offset: fileBytes > 0n ? Number(offset) : 0,
    address: table.readBigUInt64LE(at + 16),
    fileBytes: Number(fileBytes),
    memoryBytes: table.readBigUInt64LE(at + 40),
    executable: (table.readUInt32LE(at + 4) & 1) !== 0,
  };
}

async function readInterpreter(source: ByteSource, segments: readonly Segment[]): Promise<string | null> {
  const segment = segments.find(({ type }) => type === segmentType.interpreter);
  if (segment === undefined || segment.fileBytes === 0) return null;
  if (segment.fileBytes > maxInterpreterBytes) {
    throw elfInvalid(source, `the path of its interpreter has ${segment.fileBytes} bytes`);
  }
  const bytes = await source.read(segment.offset, segment.fileBytes);
  const end = bytes.indexOf(0);
  const path = bytes.toString('utf8', 0, end === -1 ? bytes.length : end);
  if (!path.startsWith('/'))
    throw elfInvalid(source, `its interpreter ${JSON.stringify(path)} is not an absolute path`);
  return path;
}

async function readBuildId(source: ByteSource, segments: readonly Segment[]): Promise<string | null> {
  for (const segment of segments.filter(({ type }) => type === segmentType.note)) {
    const notes = await source.read(segment.offset, Math.min(segment.fileBytes, maxNoteBytes));
    for (let at = 0; at + 12 <= notes.length; ) {
      const nameBytes = notes.readUInt32LE(at);
      const valueBytes = notes.readUInt32LE(at + 4);
      const valueAt = at + 12 + align4(nameBytes);
      if (valueAt + valueBytes > notes.length) break;
      const isGnu = notes.toString('latin1', at + 12, at + 12 + nameBytes) === 'GNU\0';
      if (isGnu && notes.readUInt32LE(at + 8) === buildIdNote) {
        return notes.toString('hex', valueAt, valueAt + valueBytes);
      }
      at = valueAt + align4(valueBytes);
    }
  }
  return null;
}

const align4 = (value: number): number => Math.ceil(value / 4) * 4;
