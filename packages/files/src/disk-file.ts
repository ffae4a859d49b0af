/** A disk image during its writing: a raw file, or a qcow2 file with the same interface. */
import { type FileHandle, open, rm } from 'node:fs/promises';
import { writeFailed } from './files-error.ts';

/** The target of an image's writes. Units: bytes, counted from the disk's start. */
export interface DiskFile {
  readonly write: (data: Uint8Array, at: number) => Promise<void>;
  /** Makes a range read as zeros, also where the image below has data. */
  readonly zero: (at: number, bytes: number) => Promise<void>;
  /** The last step: gives the disk its size. */
  readonly finish: (bytes: number) => Promise<void>;
}

/** The permission bits of a new image, before its publication sets them. */
const mode = 0o644;

/**
 * Makes a file and lets `write` fill it; when that fails, there is no file.
 *
 * Errors: as `write`; `write-failed` (also when the file exists already). Data is not flushed to
 * the disk: an image can be made again.
 */
export async function createFile<Result>(path: string, write: (file: FileHandle) => Promise<Result>): Promise<Result> {
  const file = await open(path, 'wx', mode).catch((thrown: unknown) => {
    throw writeFailed(thrown, path);
  });
  try {
    return await write(file);
  } catch (thrown) {
    await rm(path, { force: true });
    throw writeFailed(thrown, path);
  } finally {
    await file.close();
  }
}

/** A raw disk in a new file: unwritten ranges are holes. */
export function rawDisk(file: FileHandle): DiskFile {
  return {
    write: (data, at) => writeFully(file, data, at),
    zero: async () => undefined,
    finish: (bytes) => file.truncate(bytes),
  };
}

/** Writes all of the bytes, in as many steps as the system needs. */
export async function writeFully(file: FileHandle, data: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < data.length; ) {
    const { bytesWritten } = await file.write(data, done, data.length - done, at + done);
    done += bytesWritten;
  }
}
