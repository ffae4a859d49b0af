import type { ByteSource } from './byte-source.ts';

/** A disk as a guest sees it, whatever form the file has that it lies in. */
export interface Disk extends ByteSource {
  readonly format: 'raw' | 'qcow2';
  /** The files it builds on, nearest first. */
  readonly backing: readonly string[];
}

/** A file that is the disk, byte for byte. */
export function createRawDisk(source: ByteSource): Disk {
  return { ...source, format: 'raw', backing: [] };
}
