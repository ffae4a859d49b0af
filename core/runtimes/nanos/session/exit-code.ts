/** Reads the exit code that a Nanos kernel left on its disk. */
import { type FileHandle, open } from 'node:fs/promises';

/** Just before the first partition. Source: `struct klog_dump` in `src/kernel/log.h`: magic, boot id, exit code, messages. */
export interface ExitCodeReader {
  /** The code that a program ended with; 0 when the kernel left none, which it does for a code of 0. */
  readonly read: () => Promise<number>;
  readonly close: () => Promise<void>;
}

const magic = 'KLOG';
const exitCodeAt = 12;

/**
 * Opens an instance's disk now, so that it can be read when the instance, and its disk's name, are gone.
 *
 * `klogAt` is where on the disk the kernel leaves its words.
 */
export async function openExitCode(path: string, klogAt: number): Promise<ExitCodeReader> {
  const file = await open(path, 'r');
  return {
    read: async () => {
      const head = await readQcow2(file, klogAt, 16);
      return head.toString('latin1', 0, 4) === magic ? head.readInt32LE(exitCodeAt) : 0;
    },
    close: () => file.close(),
  };
}

/** Bytes within one cluster of a qcow2 file that QEMU wrote; zeros where the file has none of its own. */
async function readQcow2(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const header = await readAt(file, 0, 48);
  const clusterBits = header.readUInt32BE(20);
  const clusterBytes = 2 ** clusterBits;
  const perTable = clusterBytes / 8;
  const cluster = Math.floor(at / clusterBytes);
  const first = await entryAt(file, Number(header.readBigUInt64BE(40)), Math.floor(cluster / perTable));
  if (first === 0) return Buffer.alloc(length);
  const second = await entryAt(file, first, cluster % perTable);
  if (second === 0) return Buffer.alloc(length);
  return await readAt(file, second + (at % clusterBytes), length);
}

/** The offset in a table's entry, without its flags. */
async function entryAt(file: FileHandle, tableAt: number, index: number): Promise<number> {
  const entry = await readAt(file, tableAt + index * 8, 8);
  return Number(entry.readBigUInt64BE(0) & 0x00ff_ffff_ffff_fe00n);
}

async function readAt(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  await file.read(bytes, 0, length, at);
  return bytes;
}
