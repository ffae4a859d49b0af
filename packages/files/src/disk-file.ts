/** A disk image that is being written: a raw file, or a qcow2 file that looks like one from here. */
import { type FileHandle, open, rm } from 'node:fs/promises';
import { writeFailed } from './files-error.ts';

/** What an image is written to. Units: bytes, counted from the disk's start. */
export interface DiskFile {
  readonly write: (data: Uint8Array, at: number) => Promise<void>;
  /** Makes a range read as zeros, also where the image below has something. */
  readonly zero: (at: number, bytes: number) => Promise<void>;
  /** The last step: gives the disk its size. */
  readonly finish: (bytes: number) => Promise<void>;
}

/** Of a new image, before whoever publishes it sets them. */
const mode = 0o644;

/**
 * Makes a file and lets `write` fill it; when that fails, there is no file.
 *
 * Errors: whatever `write` throws; `write-failed` (also when the file is there already). Nothing is flushed to
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

/** A raw disk in a new file: what is not written is a hole. */
export function rawDisk(file: FileHandle): DiskFile {
  return {
    write: (data, at) => writeFully(file, data, at),
    zero: async () => undefined,
    finish: (bytes) => file.truncate(bytes),
  };
}

/** Writes all of the bytes, in as many steps as the system takes them. */
export async function writeFully(file: FileHandle, data: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < data.length; ) {
    const { bytesWritten } = await file.write(data, done, data.length - done, at + done);
    done += bytesWritten;
  }
}
