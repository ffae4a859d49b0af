/** A file's places on disk. Source: `ingest_extent` and `tfs_read` in `src/fs/tfs.c` of nanovms/nanos at b9c3671d. */
import { sectorBytes } from './format.ts';
import type { Tuple, TupleValue } from './tuple.ts';

/** A stretch of a file with its own room on the disk. Units: bytes; `diskStart` from the start of the disk. */
export interface Extent {
  readonly fileStart: number;
  readonly bytes: number;
  readonly diskStart: number;
  /** The reserved room: `bytes` or more. */
  readonly allocatedBytes: number;
  /** Room that was never written: it reads as zeros. */
  readonly isBlank: boolean;
}

/** The parts of a file that its data is read from. */
export interface FileExtents {
  readonly bytes: number;
  readonly storedBytes: number;
  /** Sorted by their place in the file; the gaps are zeros. */
  readonly extents: readonly Extent[];
}

/** The longest file of ext4. A sparse file may be longer than its disk, but not without end. */
const maxFileBytes = 16 * 1024 ** 4;

/** The place of the file system, and the error for a damaged tuple. */
export interface ExtentContext {
  readonly start: number;
  readonly bytes: number;
  readonly invalid: (what: string, tuple: Tuple) => Error;
}

/** Errors: `damaged` when extents overlap in the file, lead out of the file system, or exceed the limits. */
export function readExtents(file: Tuple, { start, bytes: volumeBytes, invalid }: ExtentContext): FileExtents {
  const bytes = numberIn(file.get('filelength') ?? '0');
  if (bytes === null || bytes > maxFileBytes) {
    throw invalid(`a file says it has ${show(file.get('filelength'))} bytes: its tuple is`, file);
  }
  const table = file.get('extents');
  const extents = table instanceof Map ? [...table].map(([key, value]) => readExtent(key, value)) : [];
  extents.sort((a, b) => a.fileStart - b.fileStart);
  let end = 0;
  for (const extent of extents) {
    if (extent.fileStart < end)
      throw invalid(`two extents of a file overlap (at ${extent.fileStart}): its tuple is`, file);
    end = extent.fileStart + extent.bytes;
  }
  return { bytes, extents, storedBytes: extents.reduce((sum, extent) => sum + extent.allocatedBytes, 0) };

  function readExtent(key: string, value: TupleValue): Extent {
    if (!(value instanceof Map)) throw invalid('an extent is not a tuple: that of its file is', file);
    const tuple: Tuple = value;
    const sectors = (name: string) => {
      const found = numberIn(tuple.get(name) ?? '');
      if (found === null) throw invalid(`an extent’s ${name} is ${show(tuple.get(name))}: its tuple is`, tuple);
      return found * sectorBytes;
    };
    const length = sectors('length');
    const offset = sectors('offset');
    const fileStart = numberIn(key);
    if (fileStart === null || fileStart * sectorBytes > maxFileBytes) {
      throw invalid(`an extent at ${show(key)} of its file: its tuple is`, tuple);
    }
    const allocatedBytes = Math.max(length, tuple.has('allocated') ? sectors('allocated') : length);
    if (length === 0 || offset + allocatedBytes > volumeBytes) {
      const where = `bytes ${start + offset} to ${start + offset + allocatedBytes}`;
      const what = length === 0 ? 'an extent without length' : `an extent outside the file system (${where})`;
      throw invalid(`${what}: its tuple is`, tuple);
    }
    return {
      fileStart: fileStart * sectorBytes,
      bytes: length,
      diskStart: start + offset,
      allocatedBytes,
      isBlank: tuple.has('uninited'),
    };
  }
}

/** A whole number from 0: Nanos writes an integer, older tools its decimal digits. Null for anything else. */
export function numberIn(value: TupleValue): number | null {
  if (typeof value !== 'bigint' && (typeof value !== 'string' || !/^\d{1,20}$/.test(value))) return null;
  const number = Number(value);
  return Number.isSafeInteger(number) && number >= 0 ? number : null;
}

function show(value: TupleValue | undefined): string {
  if (typeof value === 'bigint') return String(value);
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : 'no number';
}
