import { inflateRawSync } from 'node:zlib';
import type { ByteSource, Disk } from '@firstlight/files';
import { damagedDisk } from './disk-error.ts';
import type { Qcow2Header } from './read-qcow2-header.ts';

/** The number of cached tables of level 2: 4 MiB at the usual cluster size, which spans 32 GiB of disk. */
const keptTables = 64;

/** The place of a cluster's bytes. */
type Cluster =
  | { readonly kind: 'below' }
  | { readonly kind: 'zeros' }
  | { readonly kind: 'plain'; readonly start: number }
  | { readonly kind: 'compressed'; readonly start: number; readonly bytes: number };

/**
 * The disk that a qcow2 file describes.
 *
 * Shape: `below` is its base disk; zeros follow the end of that disk. Closing closes both.
 */
export async function createQcow2Disk(source: ByteSource, header: Qcow2Header, below: Disk | null): Promise<Disk> {
  const { diskBytes, clusterBits, l1Start, l1Entries } = header;
  const clusterBytes = 2 ** clusterBits;
  const entriesPerTable = clusterBytes / 8;
  const l1 = viewOf(await source.read(l1Start, l1Entries * 8));
  const tables = new Map<number, DataView>();
  const invalid = (what: string, at: number) => damagedDisk(source.path, what, at);

  async function tableAt(start: number): Promise<DataView> {
    const known = tables.get(start);
    if (known !== undefined) return known;
    const table = viewOf(await source.read(start, clusterBytes));
    const [oldest] = tables.keys();
    if (tables.size >= keptTables && oldest !== undefined) tables.delete(oldest);
    tables.set(start, table);
    return table;
  }

  /** A pointer's low 56 bits without the flags at both ends, checked to be a cluster of the file. */
  function clusterIn(high: number, low: number, what: string, at: number): number {
    const start = (high & 0x00ff_ffff) * 2 ** 32 + low - (low % 512);
    if (start % clusterBytes !== 0) throw invalid(`${what} between clusters (${start})`, at);
    const overHeader = start === 0 || start === l1Start;
    if (overHeader || start >= source.bytes) throw invalid(`${what} outside the data (${start})`, at);
    return start;
  }

  async function locate(cluster: number): Promise<Cluster> {
    const l1Index = Math.floor(cluster / entriesPerTable);
    const l1High = l1.getUint32(l1Index * 8);
    const l1Low = l1.getUint32(l1Index * 8 + 4);
    if ((l1High & 0x00ff_ffff) === 0 && l1Low < 512) return { kind: 'below' };
    const tableStart = clusterIn(l1High, l1Low, 'a level 2 table', l1Start + l1Index * 8);
    const table = await tableAt(tableStart);
    const offset = (cluster % entriesPerTable) * 8;
    const high = table.getUint32(offset);
    const low = table.getUint32(offset + 4);
    const at = tableStart + offset;
    if (high & 0x4000_0000) return compressedIn(high, low, at);
    if (low & 1) return { kind: 'zeros' };
    if ((high & 0x00ff_ffff) === 0 && low < 512) return { kind: 'below' };
    const start = clusterIn(high, low, 'a cluster', at);
    if (start === tableStart) throw invalid('a level 2 table that leads to itself', at);
    return { kind: 'plain', start };
  }

  function compressedIn(high: number, low: number, at: number): Cluster {
    const entry = (BigInt(high & 0x3fff_ffff) << 32n) | BigInt(low);
    const offsetBits = BigInt(62 - (clusterBits - 8));
    const start = Number(entry & ((1n << offsetBits) - 1n));
    const sectors = Number(entry >> offsetBits) + 1;
    if (start >= source.bytes) throw invalid(`a compressed cluster outside the file (${start})`, at);
    return { kind: 'compressed', start, bytes: Math.min(sectors * 512 - (start % 512), source.bytes - start) };
  }

  async function inflate(start: number, bytes: number): Promise<Uint8Array> {
    const packed = await source.read(start, bytes);
    try {
      const whole = inflateRawSync(packed, { maxOutputLength: clusterBytes });
      if (whole.length === clusterBytes) return whole;
    } catch {
      // The place is as useful as zlib's message.
    }
    throw invalid('a compressed cluster that cannot be unpacked', start);
  }

  async function readBelow(start: number, length: number): Promise<Uint8Array> {
    const there = below === null ? 0 : Math.min(length, Math.max(0, below.bytes - start));
    if (below !== null && there === length) return below.read(start, length);
    const bytes = new Uint8Array(length);
    if (below !== null && there > 0) bytes.set(await below.read(start, there));
    return bytes;
  }

  /** Within one cluster. */
  async function readPart(start: number, length: number): Promise<Uint8Array> {
    const within = start % clusterBytes;
    const cluster = await locate((start - within) / clusterBytes);
    if (cluster.kind === 'below') return readBelow(start, length);
    if (cluster.kind === 'zeros') return new Uint8Array(length);
    if (cluster.kind === 'plain') return source.read(cluster.start + within, length);
    return (await inflate(cluster.start, cluster.bytes)).subarray(within, within + length);
  }

  return {
    path: source.path,
    bytes: diskBytes,
    format: 'qcow2',
    backing: below === null ? [] : [below.path, ...below.backing],
    read: async (start, length) => {
      if (start + length > diskBytes) throw invalid('the disk ends', diskBytes);
      // A disk without length has no tables to look into.
      if (length === 0) return new Uint8Array();
      if ((start % clusterBytes) + length <= clusterBytes) return readPart(start, length);
      const bytes = new Uint8Array(length);
      for (let filled = 0; filled < length; ) {
        const part = Math.min(length - filled, clusterBytes - ((start + filled) % clusterBytes));
        bytes.set(await readPart(start + filled, part), filled);
        filled += part;
      }
      return bytes;
    },
    close: async () => {
      await Promise.all([source.close(), below?.close()]);
    },
  };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
