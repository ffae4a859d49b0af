/**
 * Writes qcow2 files, version 3: the differences from the image below, cluster by cluster.
 *
 * Source: QEMU's `docs/interop/qcow2.txt`.
 */
import type { FileHandle } from 'node:fs/promises';
import { createFile, type DiskFile, writeFully } from '@firstlight/files';
import { clusterBytes } from '@firstlight/tfs';
import { DiskError } from './disk-error.ts';

/** The image below. Bytes past its end read as zeros. */
export interface Backing {
  /** The path for QEMU: an absolute path, or one relative to the new file's folder. Units: at most 1023 bytes. */
  readonly name: string;
  readonly format: 'raw' | 'qcow2';
}

const magic = 0x514649fb;
const version = 3;
const clusterBits = 16;
const headerBytes = 104;
/** Reference counts of 2^4 bits. */
const refcountOrder = 4;
const refcountBytes = 2;
const entryBytes = 8;

const backingFormatExtension = 0xe2792aca;
const maxBackingNameBytes = 1023;

/** A bit of a table's entry: no other snapshot uses its target. */
const copied = 1n << 63n;
/** A bit of a cluster's entry: the cluster reads as zeros, independent of the image below. */
const allZero = 1n;

/** The number of clusters that one table of the second level describes: it is a cluster itself. */
const clustersPerTable = clusterBytes / entryBytes;
const countsPerBlock = clusterBytes / refcountBytes;
/** The reference table is one cluster: enough for a file of 16 TiB. */
const refcountTableCluster = 1;
/** The table of the first level is the third cluster; the written clusters follow. */
const firstLevelCluster = 2;
/** For a disk of 4 TiB: the table of the first level then is one cluster. */
const maxDiskBytes = clustersPerTable * clustersPerTable * clusterBytes;

/**
 * A qcow2 disk in a new file.
 *
 * Errors: `finish` refuses a backing file's name that is too long, and a disk of more than 4 TiB, with `name-too-long` and `too-large`.
 */
export function qcow2Disk(file: FileHandle, backing: Backing | null): DiskFile {
  /** Maps clusters of the disk to clusters of the file; 0 is a cluster of zeros. */
  const places = new Map<number, number>();
  let nextCluster = firstLevelCluster + 1;

  /** The cluster of the file that contains a cluster of the disk, a new one if necessary. */
  function place(cluster: number): number {
    const known = places.get(cluster);
    if (known !== undefined && known !== 0) return known;
    places.set(cluster, nextCluster);
    return nextCluster++;
  }

  /** The number of bytes from `at` on for one write, and their place in the file. */
  function stretch(at: number, bytes: number): { at: number; bytes: number } {
    const first = Math.floor(at / clusterBytes);
    const start = place(first);
    let clusters = 1;
    while ((first + clusters) * clusterBytes < at + bytes && place(first + clusters) === start + clusters) clusters++;
    const inCluster = at % clusterBytes;
    return { at: start * clusterBytes + inCluster, bytes: Math.min(bytes, clusters * clusterBytes - inCluster) };
  }

  async function write(data: Uint8Array, at: number): Promise<void> {
    for (let done = 0; done < data.length; ) {
      const target = stretch(at + done, data.length - done);
      await writeFully(file, data.subarray(done, done + target.bytes), target.at);
      done += target.bytes;
    }
  }

  async function zero(at: number, bytes: number): Promise<void> {
    const end = (at + bytes) / clusterBytes;
    for (let cluster = at / clusterBytes; cluster < end; cluster++) if (!places.has(cluster)) places.set(cluster, 0);
  }

  /** Writes the tables of the second level that have entries. Shape: the table of the first level. */
  async function writeTables(tableCount: number): Promise<Buffer> {
    const firstLevel = Buffer.alloc(tableCount * entryBytes);
    const tables = new Map<number, Buffer>();
    for (const [cluster, at] of places) {
      const index = Math.floor(cluster / clustersPerTable);
      const table = tables.get(index) ?? Buffer.alloc(clusterBytes);
      tables.set(index, table);
      const entry = at === 0 ? allZero : BigInt(at * clusterBytes) | copied;
      table.writeBigUInt64BE(entry, (cluster % clustersPerTable) * entryBytes);
    }
    for (const [index, table] of tables) {
      const at = nextCluster++ * clusterBytes;
      firstLevel.writeBigUInt64BE(BigInt(at) | copied, index * entryBytes);
      await writeFully(file, table, at);
    }
    return firstLevel;
  }

  /** Writes a reference count of one for each cluster of the file, the counts' own clusters too. Shape: their table. */
  async function writeCounts(): Promise<Buffer> {
    let blocks = 1;
    while (blocks * countsPerBlock < nextCluster + blocks) blocks++;
    const table = Buffer.alloc(blocks * entryBytes);
    const firstBlock = nextCluster;
    nextCluster += blocks;
    for (let block = 0; block < blocks; block++) {
      table.writeBigUInt64BE(BigInt((firstBlock + block) * clusterBytes), block * entryBytes);
    }
    const counts = Buffer.alloc(nextCluster * refcountBytes);
    for (let cluster = 0; cluster < nextCluster; cluster++) counts.writeUInt16BE(1, cluster * refcountBytes);
    await writeFully(file, counts, firstBlock * clusterBytes);
    return table;
  }

  return {
    write,
    zero,
    finish: async (bytes) => {
      if (bytes > maxDiskBytes) {
        throw new DiskError('too-large', 'A disk in qcow2 cannot be larger than 4 TiB here.');
      }
      const tableCount = Math.ceil(bytes / clusterBytes / clustersPerTable);
      const front = header(bytes, tableCount, backing);
      await writeFully(file, await writeTables(tableCount), firstLevelCluster * clusterBytes);
      await writeFully(file, await writeCounts(), refcountTableCluster * clusterBytes);
      await file.truncate(nextCluster * clusterBytes);
      await writeFully(file, front, 0);
    },
  };
}

function header(bytes: number, tableCount: number, backing: Backing | null): Buffer {
  const front = Buffer.alloc(clusterBytes);
  front.writeUInt32BE(magic, 0);
  front.writeUInt32BE(version, 4);
  front.writeUInt32BE(clusterBits, 20);
  front.writeBigUInt64BE(BigInt(bytes), 24);
  front.writeUInt32BE(tableCount, 36);
  front.writeBigUInt64BE(BigInt(firstLevelCluster * clusterBytes), 40);
  front.writeBigUInt64BE(BigInt(refcountTableCluster * clusterBytes), 48);
  front.writeUInt32BE(1, 56);
  front.writeUInt32BE(refcountOrder, 96);
  front.writeUInt32BE(headerBytes, 100);
  const end = backing === null ? headerBytes + entryBytes : writeBacking(front, backing);
  return front.subarray(0, end);
}

/** Writes the name and the format of the image below, so that no reader guesses the format. Shape: the header's end. */
function writeBacking(front: Buffer, backing: Backing): number {
  const { format } = backing;
  // QEMU would read the text before a colon as a protocol.
  const name = /^[./]/.test(backing.name) ? backing.name : `./${backing.name}`;
  const bytes = Buffer.byteLength(name);
  if (bytes > maxBackingNameBytes) {
    throw new DiskError('name-too-long', `The path of the image below is too long: ${bytes} bytes.`, {
      hint: 'Put it into a folder with a shorter path.',
      subject: name,
    });
  }
  front.writeUInt32BE(backingFormatExtension, headerBytes);
  front.writeUInt32BE(format.length, headerBytes + 4);
  front.write(format, headerBytes + 8);
  // The extension is padded to eight bytes; eight of zeros end the list.
  const at = headerBytes + 8 + 8 + 8;
  front.writeBigUInt64BE(BigInt(at), 8);
  front.writeUInt32BE(bytes, 16);
  return at + front.write(name, at);
}

/**
 * Writes an empty qcow2 file on top of an image: for the writes of one instance.
 *
 * Units: `bytes` is the disk's size. Errors: as `qcow2Disk`; `write-failed`.
 */
export function writeOverlay(path: string, backing: Backing, bytes: number): Promise<void> {
  return createFile(path, (file) => qcow2Disk(file, backing).finish(bytes));
}
