import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { FilesError, readFailed, systemCode, truncated } from './files-error.ts';

/** Bytes with a length and random access. */
export interface ByteSource {
  /** The name in messages: its path. */
  readonly path: string;
  readonly bytes: number;
  /** Exactly these bytes. Errors: `truncated` past the end; `read-failed`. */
  readonly read: (start: number, length: number) => Promise<Uint8Array>;
  readonly close: () => Promise<void>;
}

/** A file of this host. */
export interface FileSource extends ByteSource {
  /** The room that it takes on this host. */
  readonly allocatedBytes: number;
  /** The same for every name of one file. */
  readonly identity: string;
}

/**
 * Opens a file for reading.
 *
 * Errors: `not-found`; `not-a-file` when it is not a regular file, whose reading might never end; `read-failed`.
 */
export async function openFile(path: string): Promise<FileSource> {
  // A pipe would block the opening until a writer opens it.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((thrown: unknown) => {
    const code = systemCode(thrown);
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw readFailed(thrown, path);
    throw new FilesError('not-found', `There is no file ${path}.`, { cause: thrown, subject: path });
  });
  try {
    const found = await file.stat();
    if (!found.isFile()) {
      throw new FilesError('not-a-file', `${path} is not a file.`, { subject: path });
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
      throw readFailed(thrown, path);
    });
    if (bytesRead === 0) throw truncated(path, start + filled);
    filled += bytesRead;
  }
  return bytes;
}

/** These bytes as a source: for tests, and for data that is in memory already. */
export function createMemorySource(path: string, bytes: Uint8Array): ByteSource {
  return {
    path,
    bytes: bytes.length,
    read: async (start, length) => {
      if (start + length > bytes.length) throw truncated(path, bytes.length);
      return bytes.subarray(start, start + length);
    },
    close: async () => undefined,
  };
}
