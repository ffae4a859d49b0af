import type { ByteSource } from './byte-source.ts';

/** A disk as a guest sees it, independent of the format of its file. */
export interface Disk extends ByteSource {
  readonly format: 'raw' | 'qcow2';
  /** Its base files, nearest first. */
  readonly backing: readonly string[];
}

/** A file with the disk's bytes, unchanged. */
export function createRawDisk(source: ByteSource): Disk {
  return { ...source, format: 'raw', backing: [] };
}
