/** The first sector of a disk that Nanos boots from: its boot code, and the places of the two file systems. */

import { bootFsBytes, klogBytes, sectorBytes } from '@firstlight/tfs';
import { addBootMarker } from './boot-marker.ts';
import { DiskError } from './disk-error.ts';

/** A run of the disk. Units: bytes. */
export interface Partition {
  readonly at: number;
  readonly bytes: number;
}

/**
 * The start of the first partition: the megabyte that every partitioner uses, so that both file systems are aligned to
 * pages of the host and clusters of qcow2. The kernel keeps its last log right before it, the boot code is at the
 * front.
 */
const firstPartitionAt = 1024 * 1024;
export const bootFsAt = firstPartitionAt;
export const rootFsAt = bootFsAt + bootFsBytes;

const entryBytes = 16;
const tableAt = sectorBytes - 2 - 4 * entryBytes;
const linuxType = 0x83;
const active = 0x80;

/**
 * The place of the second stage's length in boot code: eight bytes for its address, eight for its length, and four as
 * a mark. Source: nanovms/nanos, `fsentry` in `platform/pc/boot/stage1.s`.
 */
const stageLengthAt = tableAt - 12;
const stageTypeAt = tableAt - 4;
const stageType = 12;

/** The disk geometry that firmware emulates. */
const heads = 255;
const sectorsPerTrack = 63;
const maxCylinder = 1023;

/** The disk's largest size: partition tables count sectors in 32 bits. */
const maxSectors = 0xffff_ffff;

/**
 * The sectors up to the end of the boot code, with a partition table for a root of that size. Shape: one sector without
 * boot code, for a kernel that the hypervisor loads itself.
 *
 * Errors: `boot-code-invalid` when `bootCode` is not a boot.img of Nanos; `too-large` when the disk is larger than a
 * partition table allows.
 */
export function bootSectors(bootCode: Uint8Array | null, rootBytes: number): Buffer {
  if (bootCode !== null) checkBootCode(bootCode);
  const sectors = bootCode === null ? Buffer.alloc(sectorBytes) : Buffer.from(bootCode);
  if (bootCode !== null) addBootMarker(sectors);
  writePartitions(sectors, rootBytes);
  return sectors;
}

/** Writes the partition table into a disk's first sector. Errors: `too-large`. */
export function writePartitions(sector: Buffer, rootBytes: number): void {
  if ((rootFsAt + rootBytes) / sectorBytes > maxSectors) {
    throw new DiskError('too-large', 'A disk that is booted from cannot be larger than 2 TiB.', {
      hint: 'Put the data on a volume of its own.',
    });
  }
  writeEntry(sector, 0, { at: bootFsAt, bytes: bootFsBytes }, active);
  writeEntry(sector, 1, { at: rootFsAt, bytes: rootBytes }, 0);
  sector.writeUInt16BE(0x55aa, sectorBytes - 2);
}

function checkBootCode(bootCode: Uint8Array): void {
  const view = Buffer.from(bootCode.buffer, bootCode.byteOffset, bootCode.byteLength);
  const whole =
    view.length >= sectorBytes &&
    view.readUInt16BE(sectorBytes - 2) === 0x55aa &&
    view.readUInt32LE(stageTypeAt) === stageType &&
    view.readBigUInt64LE(stageLengthAt) === BigInt(view.length - sectorBytes);
  if (whole && view.length <= firstPartitionAt - klogBytes) return;
  throw new DiskError('boot-code-invalid', 'The boot image is not one of Nanos, or not whole.', {
    hint: 'Install the Nanos release again.',
  });
}

function writeEntry(sector: Buffer, index: number, { at, bytes }: Partition, flags: number): void {
  const entry = sector.subarray(tableAt + index * entryBytes, tableAt + (index + 1) * entryBytes);
  entry[0] = flags;
  writeGeometry(entry, 1, at / sectorBytes);
  entry[4] = linuxType;
  writeGeometry(entry, 5, (at + bytes) / sectorBytes - 1);
  entry.writeUInt32LE(at / sectorBytes, 8);
  entry.writeUInt32LE(bytes / sectorBytes, 12);
}

/** Cylinder, head and sector, or the last of each when the disk is too large for them. */
function writeGeometry(entry: Buffer, at: number, sector: number): void {
  const cylinder = Math.floor(sector / sectorsPerTrack / heads);
  const fits = cylinder <= maxCylinder;
  const head = fits ? Math.floor(sector / sectorsPerTrack) % heads : heads - 1;
  const inTrack = fits ? (sector % sectorsPerTrack) + 1 : sectorsPerTrack;
  const shown = Math.min(cylinder, maxCylinder);
  entry[at] = head;
  entry[at + 1] = ((shown >> 8) << 6) | inTrack;
  entry[at + 2] = shown & 0xff;
}
