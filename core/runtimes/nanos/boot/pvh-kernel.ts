/**
 * The entry of a kernel that a VMM loads itself, and a copy of such a kernel that prints a marker when it is entered.
 *
 * Source: Xen's `docs/misc/pvh`: an ELF note by the name Xen gives the entry, in 32-bit mode without paging, with the
 * start info's address in ebx and undefined values in the other registers. nanovms/nanos at b9c3671d:
 * `platform/pc/linker_script` (the kernel lies at 2 MiB), `src/x86_64/init.s`.
 */

import { bootMarker } from '@firstlight/disk';
import { fileType, magic, segmentType, x8664 } from '@firstlight/elf';

/** The entry of a kernel. Shape: `at` is its place in the file, four bytes long. */
export interface PvhEntry {
  readonly address: number;
  readonly at: number;
}

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly physicalAddress: number;
  readonly fileBytes: number;
}

const headerBytes = 64;
const segmentBytes = 56;
const elf64LittleEndian = Buffer.from([2, 1]);
/** More than any kernel has; it bounds the read. */
const maxSegments = 64;
const entryNote = 18;
const noteHeadBytes = 12;

/**
 * In the file: behind the program headers and before the first segment, and behind the mark of a Linux kernel (0x202).
 */
const stubAt = 0x400;
/** The stub with zeros to spare. */
const roomBytes = 0x100;
const pageBytes = 0x1000;
/** Memory under every kernel that is marked, and over the first megabyte, where firmware is. Within its page as in the file's. */
const stubAddress = 0x1f_0000 + stubAt;
const readAndExecute = 5;

/** The entry of a kernel for a VMM; null when it has no note of it, and cannot be loaded this way. */
export function findPvhEntry(kernel: Buffer): PvhEntry | null {
  for (const { type, offset, fileBytes } of readSegments(kernel) ?? []) {
    if (type !== segmentType.note) continue;
    const end = Math.min(offset + fileBytes, kernel.length);
    for (let at = offset; at + noteHeadBytes <= end; ) {
      const nameBytes = kernel.readUInt32LE(at);
      const valueBytes = kernel.readUInt32LE(at + 4);
      const valueAt = at + noteHeadBytes + align4(nameBytes);
      if (valueAt + valueBytes > end) break;
      const isXen = kernel.toString('latin1', at + noteHeadBytes, at + noteHeadBytes + nameBytes) === 'Xen\0';
      if (isXen && kernel.readUInt32LE(at + 8) === entryNote && valueBytes === 4) {
        return { address: kernel.readUInt32LE(valueAt), at: valueAt };
      }
      at = valueAt + align4(valueBytes);
    }
  }
  return null;
}

/**
 * A copy of a kernel that writes the boot marker to the serial port when it is entered, and then continues as before;
 * null for a kernel that is not laid out as this knows it.
 *
 * One more segment, under the kernel, contains the few instructions for that, and the note leads to them. They change
 * eax and edx only. The kernel takes that memory for free, which it is by then.
 */
export function markPvhKernel(kernel: Buffer): Buffer | null {
  const entry = findPvhEntry(kernel);
  const segments = readSegments(kernel);
  if (entry === null || segments === null || !hasRoom(kernel, segments)) return null;
  const stub = stubTo(entry.address);
  const marked = Buffer.from(kernel);
  stub.copy(marked, stubAt);
  writeSegment(marked, headerBytes + segments.length * segmentBytes, stub.length);
  marked.writeUInt16LE(segments.length + 1, 56);
  marked.writeUInt32LE(stubAddress, entry.at);
  return marked;
}

/** True when the place of the stub is free, in the file and in memory. */
function hasRoom(kernel: Buffer, segments: readonly Segment[]): boolean {
  const tableEnd = headerBytes + segments.length * segmentBytes;
  const stubEnd = stubAt + roomBytes;
  const sectionsAt = Number(kernel.readBigUInt64LE(40));
  const isFree =
    tableEnd + segmentBytes <= stubAt &&
    segments.every(({ offset, fileBytes }) => fileBytes === 0 || offset >= stubEnd) &&
    (sectionsAt === 0 || sectionsAt >= stubEnd) &&
    kernel.length >= stubEnd &&
    kernel.subarray(tableEnd, stubEnd).every((byte) => byte === 0);
  const loaded = segments.filter(({ type }) => type === segmentType.load);
  return isFree && loaded.every(({ physicalAddress }) => physicalAddress >= stubAddress + pageBytes);
}

/** Instructions of 32-bit mode. */
function stubTo(entry: number): Buffer {
  const write = [0xba, 0xf8, 0x03, 0x00, 0x00, 0xb0, bootMarker, 0xee]; // mov edx, 0x3f8; mov al, marker; out dx, al
  const jump = Buffer.from([0xb8, 0, 0, 0, 0, 0xff, 0xe0]); // mov eax, entry; jmp eax
  jump.writeUInt32LE(entry, 1);
  return Buffer.concat([Buffer.from(write), jump]);
}

function writeSegment(kernel: Buffer, at: number, bytes: number): void {
  kernel.writeUInt32LE(segmentType.load, at);
  kernel.writeUInt32LE(readAndExecute, at + 4);
  for (const [index, value] of [stubAt, stubAddress, stubAddress, bytes, bytes, pageBytes].entries()) {
    kernel.writeBigUInt64LE(BigInt(value), at + 8 + index * 8);
  }
}

/** The segments of a 64-bit kernel for x86; null when the file is not such a kernel. */
function readSegments(kernel: Buffer): Segment[] | null {
  const isKernel =
    kernel.length >= headerBytes &&
    kernel.subarray(0, magic.length).equals(magic) &&
    kernel.subarray(magic.length, magic.length + 2).equals(elf64LittleEndian) &&
    kernel.readUInt16LE(16) === fileType.executable &&
    kernel.readUInt16LE(18) === x8664 &&
    kernel.readBigUInt64LE(32) === BigInt(headerBytes) &&
    kernel.readUInt16LE(54) === segmentBytes;
  const count = isKernel ? kernel.readUInt16LE(56) : 0;
  if (count === 0 || count > maxSegments || headerBytes + count * segmentBytes > kernel.length) return null;
  const segments: Segment[] = [];
  for (let at = headerBytes; segments.length < count; at += segmentBytes) {
    segments.push({
      type: kernel.readUInt32LE(at),
      offset: Number(kernel.readBigUInt64LE(at + 8)),
      physicalAddress: Number(kernel.readBigUInt64LE(at + 24)),
      fileBytes: Number(kernel.readBigUInt64LE(at + 32)),
    });
  }
  return segments;
}

const align4 = (value: number): number => Math.ceil(value / 4) * 4;
