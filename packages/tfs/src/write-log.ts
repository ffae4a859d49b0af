/** The log of a volume: the pieces of its metadata, and the first sector that links to them. */
import { createHash } from 'node:crypto';
import { createByteSink } from './encode.ts';
import {
  firstLogBytes,
  logExtensionBytes,
  magic,
  maxLabelBytes,
  maxVarintBytes,
  record,
  sectorBytes,
  uuidBytes,
  version,
} from './format.ts';
import { logExtensionBlocks } from './layout.ts';
import { TfsError } from './tfs-error.ts';

/** The room that the kernel keeps in every piece of a log for a link and a record's header. */
const linkBytes = 1 + 2 * maxVarintBytes;
const recordHeaderBytes = 1 + 2 * maxVarintBytes;
const extensionHeaderBytes = magic.length + varintBytes(version) + varintBytes(logExtensionBlocks);
/** The amount of metadata in one extension. */
const roomBytes = logExtensionBytes - extensionHeaderBytes - recordHeaderBytes - linkBytes;

export interface VolumeNames {
  /** Errors: `label-invalid` when the label is longer than 31 bytes or has a zero byte. */
  readonly label: string;
  readonly uuid: Uint8Array;
}

/** The number of extensions for a tuple of that many bytes. */
export const extensionsFor = (tupleBytes: number): number => Math.max(1, Math.ceil(tupleBytes / roomBytes));

/** The first sector: the volume's magic, its identity, and the link to the rest of the log. */
export function firstSector({ label, uuid }: VolumeNames, logBlock: number): Buffer {
  checkLabel(label);
  const sink = createByteSink();
  sink.text(magic);
  sink.varint(version);
  sink.varint(firstLogBytes / sectorBytes);
  sink.raw(uuid);
  sink.text(label);
  sink.byte(0);
  link(sink, logBlock);
  const sector = Buffer.alloc(firstLogBytes);
  sink.bytes().copy(sector);
  return sector;
}

/** The log's extensions with one tuple in them; `blocks` are their places. Shape: without their final zeros. */
export function logExtensions(tuple: Uint8Array, blocks: readonly number[]): Buffer[] {
  return blocks.map((_, index) => {
    const part = tuple.subarray(index * roomBytes, (index + 1) * roomBytes);
    const sink = createByteSink();
    sink.text(magic);
    sink.varint(version);
    sink.varint(logExtensionBlocks);
    sink.byte(index === 0 ? record.tuple : record.tupleContinued);
    if (index === 0) sink.varint(tuple.length);
    sink.varint(part.length);
    sink.raw(part);
    const next = blocks[index + 1];
    if (next === undefined) sink.byte(record.endOfLog);
    else link(sink, next);
    return sink.bytes();
  });
}

function link(sink: ReturnType<typeof createByteSink>, block: number): void {
  sink.byte(record.extensionLink);
  sink.varint(block);
  sink.varint(logExtensionBlocks);
  sink.byte(record.endOfLog);
}

function varintBytes(value: number): number {
  const sink = createByteSink();
  sink.varint(value);
  return sink.length();
}

/** Refuses a label that a volume cannot have. Errors: `label-invalid`. */
export function checkLabel(label: string): void {
  if (label.includes('\0')) throw new TfsError('label-invalid', 'A volume label cannot have a zero byte.');
  const bytes = Buffer.byteLength(label);
  if (bytes < maxLabelBytes) return;
  throw new TfsError('label-invalid', `The volume label "${label}" is too long: ${bytes} bytes.`, {
    hint: `Shorten it to ${maxLabelBytes - 1} bytes.`,
  });
}

/** The UUID of a volume whose content has this digest: the same content, the same UUID. */
export function uuidFor(digest: string): Buffer {
  const uuid = createHash('sha256').update(`firstlight volume ${digest}`).digest().subarray(0, uuidBytes);
  // Version 8 of RFC 9562: a vendor-specific scheme.
  uuid[6] = ((uuid[6] ?? 0) & 0x0f) | 0x80;
  uuid[8] = ((uuid[8] ?? 0) & 0x3f) | 0x80;
  return uuid;
}
