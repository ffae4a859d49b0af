import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { systemCode, toFileError } from '../../../core/store/store-error.ts';
import { FirstlightError } from '../../../shared/errors.ts';
import { imageInvalid } from './image-invalid.ts';

/** Bytes with a length, to be read from anywhere. */
export interface ByteSource {
  /** What messages call it: its path. */
  readonly path: string;
  readonly bytes: number;
  /** These bytes, all of them. Errors: IMAGE_INVALID past the end; STORE_UNUSABLE when the file cannot be read. */
  readonly read: (start: number, length: number) => Promise<Uint8Array>;
  readonly close: () => Promise<void>;
}

/** A file of this host. */
export interface FileSource extends ByteSource {
  /** What of it takes room on this host. */
  readonly allocatedBytes: number;
  /** The same for every name of one file. */
  readonly identity: string;
}

/**
 * Opens a file for reading.
 *
 * Errors: NOT_FOUND; BAD_INPUT when it is no regular file, whose reading might never end; STORE_UNUSABLE.
 */
export async function openFile(path: string): Promise<FileSource> {
  // A pipe would hold the opening up until somebody writes.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((thrown: unknown) => {
    const code = systemCode(thrown);
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw toFileError(thrown, 'read', path);
    throw new FirstlightError('NOT_FOUND', `There is no file ${path}.`, { cause: thrown, details: { subject: path } });
  });
  try {
    const found = await file.stat();
    if (!found.isFile()) {
      throw new FirstlightError('BAD_INPUT', `${path} is not a file.`, { details: { subject: path } });
    }
    return {
      path,
      bytes: found.size,
      allocatedBytes: found.blocks * 512,
      identity: `${found.dev}:${found.ino}`,
      read: (start, length) => readAll(file, path, start, length),
      close: () => file.close(),
    };
  } catch (thrown) {
    await file.close();
    throw thrown;
  }
}

async function readAll(file: FileHandle, path: string, start: number, length: number): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafe(length);
  for (let filled = 0; filled < length; ) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, start + filled).catch((thrown: unknown) => {
      throw toFileError(thrown, 'read', path);
    });
    if (bytesRead === 0) throw imageInvalid(path, 'the file ends', start + filled);
    filled += bytesRead;
  }
  return bytes;
}

/** These bytes as a source: for tests, and for what is in memory already. */
export function createMemorySource(path: string, bytes: Uint8Array): ByteSource {
  return {
    path,
    bytes: bytes.length,
    read: async (start, length) => {
      if (start + length > bytes.length) throw imageInvalid(path, 'the file ends', bytes.length);
      return bytes.subarray(start, start + length);
    },
    close: async () => undefined,
  };
}
