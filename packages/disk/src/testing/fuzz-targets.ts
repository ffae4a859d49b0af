import { createMemorySource, createRawDisk } from '@firstlight/files';
import type { FuzzTarget } from '@firstlight/files/testing';
import { readFileBytes, readVolume } from '@firstlight/tfs';
import { smallVolumes } from '@firstlight/tfs/testing';
import { hasPartitions, openSource, readPartitions } from '../index.ts';

/** The number of bytes to read of each file: enough to pass through the disk. */
const readBytes = 1024;
const sectorBytes = 512;

/** Reads a disk, its partitions, and the file systems in them. */
async function readAll(bytes: Uint8Array): Promise<void> {
  const below = async () => createRawDisk(createMemorySource('below', new Uint8Array(2048)));
  const disk = await openSource(createMemorySource('fuzz', bytes), null, below);
  const first = await disk.read(0, Math.min(sectorBytes, disk.bytes));
  const isBare = Buffer.from(first).toString('latin1', 0, 6) === 'NVMTFS';
  const spans = !isBare && hasPartitions(first) ? readPartitions(disk, first) : [{ start: 0, bytes: disk.bytes }];
  for (const { start, bytes } of spans) {
    const volume = await readVolume(disk, { start, bytes });
    for (const node of volume.nodes.slice(0, 10)) {
      if (node.kind !== 'file') continue;
      for await (const _ of readFileBytes(disk, node.data, readBytes));
    }
  }
}

/** A disk with a partition table around a volume. */
function partitioned(volume: Uint8Array): Uint8Array {
  const disk = Buffer.alloc(512 + 2 * volume.length);
  disk.set(volume, 512);
  disk.set(volume, 512 + volume.length);
  for (const [index, start] of [1, 1 + volume.length / 512].entries()) {
    disk[446 + index * 16 + 4] = 0x83;
    disk.writeUInt32LE(start, 446 + index * 16 + 8);
    disk.writeUInt32LE(volume.length / 512, 446 + index * 16 + 12);
  }
  disk.writeUInt16LE(0xaa55, 510);
  return disk;
}

/** A volume of one table of each level, in clusters of 512 bytes. */
function qcow2(volume: Uint8Array, version: 2 | 3): Uint8Array {
  const clusters = Math.ceil(volume.length / 512);
  const tables = Math.ceil(clusters / 64);
  const bytes = Buffer.alloc((2 + tables + clusters) * 512);
  bytes.writeUInt32BE(0x514649fb, 0);
  bytes.writeUInt32BE(version, 4);
  bytes.writeUInt32BE(9, 20);
  bytes.writeBigUInt64BE(BigInt(volume.length), 24);
  bytes.writeUInt32BE(tables, 36);
  bytes.writeBigUInt64BE(512n, 40);
  if (version === 3) bytes.writeUInt32BE(104, 100);
  bytes.writeBigUInt64BE(200n, 8);
  bytes.writeUInt32BE(4, 16);
  bytes.write('base', 200);
  for (let table = 0; table < tables; table++) bytes.writeBigUInt64BE(BigInt((2 + table) * 512), 512 + table * 8);
  for (let cluster = 0; cluster < clusters; cluster++) {
    bytes.writeBigUInt64BE(BigInt((2 + tables + cluster) * 512), 1024 + cluster * 8);
  }
  bytes.set(volume, (2 + tables) * 512);
  return bytes;
}

/** Boot sectors with partition tables, and the partitions. */
const partitionedDisks: FuzzTarget = {
  name: 'partitioned disks',
  share: 0.3,
  corpus: () => smallVolumes().slice(0, 1).map(partitioned),
  parse: readAll,
};

/** qcow2 files with a file system in them. */
const qcow2Disks: FuzzTarget = {
  name: 'qcow2 disks',
  share: 0.3,
  corpus: () => smallVolumes().flatMap((volume) => [qcow2(volume, 2), qcow2(volume, 3)]),
  parse: readAll,
};

export const fuzzTargets: readonly FuzzTarget[] = [partitionedDisks, qcow2Disks];
