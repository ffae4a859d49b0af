/** The partition table of a boot sector. Source: `struct partition_entry` in `src/runtime/storage.h` of nanovms/nanos. */

import type { Disk } from '@firstlight/files';
import { sectorBytes } from '@firstlight/tfs';
import { damagedDisk } from './disk-error.ts';

/** A piece of the disk. Units: bytes from the start of the disk. */
export interface Partition {
  readonly kind: 'uefi' | 'boot' | 'root' | 'other';
  readonly start: number;
  readonly bytes: number;
}

const tableStart = 446;
const entryBytes = 16;
const entries = 4;
const signature = 0xaa55;
const uefiType = 0xef;

/** Whether a first sector has a partition table. */
export function hasPartitions(sector: Uint8Array): boolean {
  return sector.length === sectorBytes && viewOf(sector).getUint16(sectorBytes - 2, true) === signature;
}

/**
 * The partitions, in the order of the table: Nanos takes the first for its boot file system and the second for the root,
 * each one further where the first is for UEFI.
 *
 * Errors: `damaged` when a partition exceeds the disk, as in every truncated image.
 */
export function readPartitions(disk: Disk, sector: Uint8Array): Partition[] {
  const table = viewOf(sector);
  const hasUefi = sector[tableStart + 4] === uefiType;
  const kinds: Partition['kind'][] = hasUefi ? ['uefi', 'boot', 'root', 'other'] : ['boot', 'root', 'other', 'other'];
  const found: Partition[] = [];
  for (let index = 0; index < entries; index++) {
    const at = tableStart + index * entryBytes;
    const start = table.getUint32(at + 8, true) * sectorBytes;
    const bytes = table.getUint32(at + 12, true) * sectorBytes;
    if (start === 0 || bytes === 0) continue;
    const kind = kinds[index] ?? 'other';
    if (start + bytes > disk.bytes) {
      const what = `the ${kind} partition ends at byte ${start + bytes}, and the disk has ${disk.bytes}: its entry is`;
      throw damagedDisk(disk.path, what, at);
    }
    found.push({ kind, start, bytes });
  }
  return found;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
