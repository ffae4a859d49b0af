import { constants, type FileHandle, open } from 'node:fs/promises';
import { FirstlightError } from '#shared/errors.ts';
import { systemCode } from '../store/store-error.ts';

/** Bytes that are read in places. Units: `bytes` is the whole length. */
export interface ByteSource {
  /** What people call it: a path. */
  readonly name: string;
  readonly bytes: number;
  /** The bytes at `offset`; fewer than `length` at the end, none past it. */
  readonly read: (offset: number, length: number) => Promise<Buffer>;
}

/** Bytes at hand as a source. */
export function sourceOfBytes(name: string, data: Uint8Array): ByteSource {
  const buffer = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return { name, bytes: buffer.length, read: async (offset, length) => buffer.subarray(offset, offset + length) };
}

/**
 * What `use` makes of a file that is open meanwhile. `shownAs` is the name in errors.
 *
 * Errors: NOT_FOUND; BAD_INPUT when it is no regular file or cannot be read.
 */
export async function withFileSource<Result>(
  path: string,
  use: (source: ByteSource) => Promise<Result>,
  shownAs = path,
): Promise<Result> {
  const file = await openToRead(path, shownAs);
  try {
    const found = await file.stat();
    if (!found.isFile()) {
      throw new FirstlightError(
        'BAD_INPUT',
        `${shownAs} is ${found.isDirectory() ? 'a directory' : 'no regular file'}.`,
      );
    }
    return await use({ name: shownAs, bytes: found.size, read: (offset, length) => readAt(file, offset, length) });
  } finally {
    await file.close();
  }
}

async function openToRead(path: string, shownAs: string): Promise<FileHandle> {
  try {
    // A named pipe would otherwise hold the open up until somebody writes.
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (thrown) {
    const code = systemCode(thrown);
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new FirstlightError('NOT_FOUND', `There is no file ${shownAs}.`, { details: { subject: shownAs } });
    }
    throw new FirstlightError('BAD_INPUT', `${shownAs} cannot be read (${code ?? String(thrown)}).`, { cause: thrown });
  }
}

async function readAt(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}
