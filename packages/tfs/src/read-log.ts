/** The log of all metadata. Source: `log_read_complete` in `src/fs/tlog.c` of nanovms/nanos at b9c3671d. */
import type { Disk } from '@firstlight/files';
import { createDecoder, type Decoder } from './decode.ts';
import { firstLogBytes, magic, maxLabelBytes, oldVersion, record, sectorBytes, uuidBytes, version } from './format.ts';
import { Cursor, type Placed } from './read-cursor.ts';
import { damagedVolume } from './tfs-error.ts';

/** A piece of a disk. Units: bytes; `start` from the start of the disk. */
export interface Span {
  readonly start: number;
  readonly bytes: number;
}

/** The log's own fields, and the values read from it. */
export interface Log {
  readonly version: number;
  readonly label: string;
  readonly uuid: string;
  /** The pieces, in the order of their links. */
  readonly pieces: readonly Span[];
  /** The written bytes of all pieces. */
  readonly usedBytes: number;
  readonly decoder: Decoder;
  /** Harmless oddities. */
  readonly warnings: readonly string[];
}

/** Half a million files take some hundred MiB, in pieces of 512 KiB. */
const maxLogBytes = 256 * 1024 ** 2;
const maxPieces = 4096;

/** The current piece. */
interface Piece extends Span {
  readonly version: number;
  readonly cursor: Cursor;
}

/**
 * Reads the log of the file system in `span`, and nothing else of it.
 *
 * Errors: `damaged` with the place on the disk.
 */
export async function readLog(disk: Disk, span: Span): Promise<Log> {
  const decoder = createDecoder();
  const pieces: Span[] = [];
  const warnings: string[] = [];
  const staged = createStaging(disk.path);
  let usedBytes = 0;
  const first = await openPiece(disk, { start: span.start, bytes: Math.min(firstLogBytes, span.bytes) });
  const uuid = formatUuid(first.cursor.take(uuidBytes));
  const label = readLabel(first.cursor);

  for (let piece: Piece | null = first; piece !== null; ) {
    pieces.push({ start: piece.start, bytes: piece.bytes });
    const link = readPiece(piece, decoder, staged);
    usedBytes += piece.cursor.at;
    if (link === null) break;
    const next = { start: span.start + link.sector * sectorBytes, bytes: link.sectors * sectorBytes };
    checkLink(disk, span, pieces, next, link.place);
    piece = await openPiece(disk, next);
  }
  if (staged.isOpen())
    warnings.push('The last record of the log was not written to its end; Nanos leaves it out as well.');
  if (first.version === oldVersion) warnings.push('The file system is of TFS version 4, as older tools write it.');
  return { version: first.version, label, uuid, pieces, usedBytes, decoder, warnings };
}

async function openPiece(disk: Disk, { start, bytes }: Span): Promise<Piece> {
  const cursor = new Cursor(disk.path, await disk.read(start, bytes), [{ from: 0, diskStart: start }]);
  if (bytes < firstLogBytes || cursor.take(magic.length).toString('latin1') !== magic) {
    throw damagedVolume(disk.path, 'no file system of Nanos (TFS)', start);
  }
  const found = cursor.varint();
  if (found !== version && found !== oldVersion) {
    throw cursor.invalid(`TFS of version ${found}, where ${oldVersion} and ${version} are known,`, magic.length);
  }
  const sectors = cursor.varint();
  if (sectors * sectorBytes !== bytes) {
    throw cursor.invalid(`a piece of the log says it has ${sectors} sectors, and has ${bytes / sectorBytes}`, 7);
  }
  return { start, bytes, version: found, cursor };
}

function readLabel(cursor: Cursor): string {
  const end = cursor.bytes.indexOf(0, cursor.at);
  const length = end - cursor.at;
  if (end === -1 || length >= maxLabelBytes) throw cursor.invalid('a label without an end');
  const label = cursor.text(length);
  cursor.skip(1);
  return label;
}

/** The next piece. Shape: `place` is the link's place on the disk. */
interface Link {
  readonly sector: number;
  readonly sectors: number;
  readonly place: number;
}

/** Reads the records of one piece, to its end or to the link that ends it. */
function readPiece({ cursor, version: pieceVersion }: Piece, decoder: Decoder, staged: Staging): Link | null {
  for (;;) {
    const at = cursor.at;
    const kind = cursor.byte();
    if (kind === record.endOfLog) return null;
    if (kind === record.endOfSegment) continue;
    if (kind === record.extensionLink) {
      return { sector: cursor.varint(), sectors: cursor.varint(), place: cursor.placeOf(at) };
    }
    if (kind === record.tuple) {
      if (staged.isOpen()) throw cursor.invalid('a record begins in the middle of another', at);
      const whole = cursor.varint();
      if (whole > maxLogBytes) throw cursor.invalid(`a record of ${whole} bytes`, at);
      staged.begin(whole);
    } else if (kind !== record.tupleContinued) {
      throw cursor.invalid(`an unknown kind of record (${kind}) in the log`, at);
    } else if (!staged.isOpen()) {
      throw cursor.invalid('a record goes on that did not begin', at);
    }
    const length = cursor.varint();
    if (length > staged.left())
      throw cursor.invalid(`a part of ${length} bytes in a record that lacks ${staged.left()}`, at);
    const place = cursor.placeOf(cursor.at);
    const whole = staged.add(cursor.take(length), place);
    if (whole !== null) decoder.decode(whole, pieceVersion);
  }
}

/** A record in parts, with one or more in a piece of the log. */
interface Staging {
  readonly isOpen: () => boolean;
  readonly left: () => number;
  readonly begin: (bytes: number) => void;
  /** The record, when this was its last part. */
  readonly add: (part: Buffer, place: number) => Cursor | null;
}

function createStaging(path: string): Staging {
  let parts: Buffer[] = [];
  let places: Placed[] = [];
  let total = 0;
  let filled = 0;
  let open = false;
  return {
    isOpen: () => open,
    left: () => total - filled,
    begin: (bytes) => {
      parts = [];
      places = [];
      total = bytes;
      filled = 0;
      open = true;
    },
    add: (part, place) => {
      places.push({ from: filled, diskStart: place });
      parts.push(part);
      filled += part.length;
      if (filled < total) return null;
      open = false;
      const [only] = parts;
      return new Cursor(path, only !== undefined && parts.length === 1 ? only : Buffer.concat(parts), places);
    },
  };
}

function checkLink(disk: Disk, span: Span, pieces: readonly Span[], next: Span, place: number): void {
  const where = `(bytes ${next.start} to ${next.start + next.bytes})`;
  const invalid = (what: string) => damagedVolume(disk.path, `${what} ${where}: the link is`, place);
  if (next.bytes === 0 || next.start + next.bytes > span.start + span.bytes) {
    throw invalid('the log goes on outside its file system');
  }
  // This also ends a log with a cycle.
  if (pieces.some((piece) => next.start < piece.start + piece.bytes && piece.start < next.start + next.bytes)) {
    throw invalid('the log goes on where it was before');
  }
  const total = pieces.reduce((sum, piece) => sum + piece.bytes, next.bytes);
  if (total > maxLogBytes) throw invalid(`the log is longer than ${maxLogBytes} bytes`);
  if (pieces.length === maxPieces) throw invalid(`the log has more than ${maxPieces} pieces`);
}

function formatUuid(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
