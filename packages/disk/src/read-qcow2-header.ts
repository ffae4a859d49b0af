/** The first bytes of a qcow2 file. Source: docs/interop/qcow2.txt of QEMU. */
import { basename } from 'node:path';
import type { ByteSource } from '@firstlight/files';
import { DiskError, damagedDisk } from './disk-error.ts';
import { unsupported } from './foreign-format.ts';
import { decryptQcow2 } from './foreign-signs.ts';

/** `QFI` and 0xfb. */
const magic = 0x514649fb;
const headerBytesV2 = 72;
const headerBytesV3 = 104;
const maxBackingNameBytes = 1023;
/** The limits that QEMU uses itself. */
const clusterBits = { least: 9, most: 21 };
const maxL1Bytes = 32 * 1024 ** 2;
/** More than any of our images, and exact in a double in every product. */
const maxDiskBytes = 64 * 1024 ** 4;

const incompatible = { dirty: 1, corrupt: 2, dataFile: 4, compressionType: 8, extendedL2: 16 } as const;
const backingFormatExtension = 0xe2792aca;

export interface Qcow2Header {
  readonly diskBytes: number;
  readonly clusterBits: number;
  readonly l1Start: number;
  readonly l1Entries: number;
  readonly backing: { readonly name: string; readonly format: string | null } | null;
}

/** Whether these are the first bytes of a qcow2 file. */
export const isQcow2 = (first: Uint8Array): boolean => first.length >= 4 && view(first).getUint32(0) === magic;

/** Errors: `damaged` when a field is out of its bounds, or needs an unsupported feature. */
export async function readQcow2Header(source: ByteSource): Promise<Qcow2Header> {
  const invalid = (what: string, at: number) => damagedDisk(source.path, what, at);
  if (source.bytes < headerBytesV2) throw invalid('the qcow2 header is cut short', source.bytes);
  const head = await source.read(0, Math.min(source.bytes, 64 * 1024));
  const fields = view(head);
  const version = fields.getUint32(4);
  if (version === 1) throw unsupported(source.path, 'It is qcow of version 1', { format: 'qcow' });
  if (version !== 2 && version !== 3) throw invalid(`qcow2 of version ${version}, which is not read here,`, 4);
  if (version === 3 && head.length < headerBytesV3) throw invalid('the qcow2 header is cut short', head.length);
  const bits = fields.getUint32(20);
  if (bits < clusterBits.least || bits > clusterBits.most) throw invalid(`clusters of 2^${bits} bytes`, 20);
  const diskBytes = Number(fields.getBigUint64(24));
  if (diskBytes > maxDiskBytes) throw invalid(`a disk of ${diskBytes} bytes`, 24);
  if (fields.getUint32(32) !== 0) throw unsupported(source.path, 'It is qcow2 that is encrypted', decryptQcow2);
  if (version === 3) checkFeatures(fields, source.path, invalid);

  const l1Entries = fields.getUint32(36);
  const l1Start = Number(fields.getBigUint64(40));
  const bytesPerL1Entry = 2 ** (bits + bits - 3);
  const needed = Math.ceil(diskBytes / bytesPerL1Entry);
  if (l1Entries < needed || l1Entries * 8 > maxL1Bytes) throw invalid(`a level 1 table of ${l1Entries} entries`, 36);
  if (l1Start % 2 ** bits !== 0 || l1Start + l1Entries * 8 > source.bytes) {
    throw invalid(`a level 1 table outside the file (${l1Start})`, 40);
  }
  const headerBytes = version === 3 ? fields.getUint32(100) : headerBytesV2;
  return { diskBytes, clusterBits: bits, l1Start, l1Entries, backing: readBacking(head, headerBytes, invalid) };
}

function checkFeatures(fields: DataView, path: string, invalid: (what: string, at: number) => Error): void {
  const low = fields.getUint32(76);
  if (fields.getUint32(72) !== 0 || (low & ~0x1f) !== 0) throw invalid('a feature of qcow2 that is not known here', 72);
  if (low & incompatible.corrupt) {
    throw new DiskError('damaged', `${path} is marked as corrupt.`, {
      hint: `Repair it first: qemu-img check -r all ${basename(path)}`,
      subject: path,
      offset: 72,
    });
  }
  if (low & incompatible.dataFile) throw unsupported(path, 'It is qcow2 with its data in another file');
  if (low & incompatible.extendedL2) throw unsupported(path, 'It is qcow2 with clusters in parts (extended L2)');
  if (low & incompatible.compressionType) throw unsupported(path, 'It is qcow2 packed with Zstandard');
}

function readBacking(
  head: Uint8Array,
  headerBytes: number,
  invalid: (what: string, at: number) => Error,
): Qcow2Header['backing'] {
  const fields = view(head);
  const start = Number(fields.getBigUint64(8));
  const length = fields.getUint32(16);
  if (start === 0 || length === 0) return null;
  if (length > maxBackingNameBytes || start + length > head.length) throw invalid('the name of a backing file', 8);
  const text = (from: number, bytes: number) => Buffer.from(head.subarray(from, from + bytes)).toString('utf8');
  let format: string | null = null;
  for (let at = headerBytes; at + 8 <= head.length && at < start; ) {
    const type = fields.getUint32(at);
    const bytes = fields.getUint32(at + 4);
    if (type === 0) break;
    if (at + 8 + bytes > head.length) throw invalid('a header extension that leads out of the header', at);
    if (type === backingFormatExtension) format = text(at + 8, bytes);
    at += 8 + Math.ceil(bytes / 8) * 8;
  }
  return { name: text(start, length), format };
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
