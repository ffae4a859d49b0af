import { constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { FirstlightError } from '#shared/errors.ts';
import { systemCode, toFileError } from './store-error.ts';

const chunkBytes = 64 * 1024;
const minChunkBytes = 512;

/**
 * The content of a regular file that another program may have written; undefined when there is none.
 *
 * The open never waits, as a FIFO would make it, and the read ends at the bound, as a device or a growing file would
 * not.
 *
 * Errors: BAD_INPUT for anything other than a regular file, or more than `maxBytes`; STORE_UNUSABLE when the system
 * refuses.
 */
export async function readRegularFile(path: string, maxBytes: number): Promise<Buffer | undefined> {
  const file = await openWithoutWaiting(path);
  if (file === undefined) return undefined;
  try {
    const found = await file.stat();
    if (!found.isFile()) throw notRegular(path, found);
    if (found.size > maxBytes) throw tooLarge(path, maxBytes);
    return await readAll(file, path, found.size, maxBytes);
  } catch (thrown) {
    throw toFileError(thrown, 'read', path);
  } finally {
    await file.close();
  }
}

/** Errors: BAD_INPUT when it is not a regular file. A missing file is not an error. */
export async function checkRegularFile(path: string): Promise<void> {
  const found = await stat(path).catch((thrown: unknown) => refused(thrown, path));
  if (found !== undefined && !found.isFile()) throw notRegular(path, found);
}

async function openWithoutWaiting(path: string): Promise<FileHandle | undefined> {
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
  return await open(path, flags).catch((thrown: unknown) => refused(thrown, path));
}

/** Nothing for a file that is missing. Errors: BAD_INPUT for a link to itself; STORE_UNUSABLE. */
function refused(thrown: unknown, path: string): undefined {
  const code = systemCode(thrown);
  if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
  if (code === 'ELOOP') {
    throw new FirstlightError('BAD_INPUT', `${path} is a link that leads to itself.`, { details: { subject: path } });
  }
  throw toFileError(thrown, 'read', path);
}

/** `size` is the size that the system reports, which may change, and is 0 for files of /proc. */
async function readAll(file: FileHandle, path: string, size: number, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (let total = 0; ; ) {
    // A buffer of the file's own size: larger ones for every small file make the collector run at each build.
    const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, Math.max(size - total, minChunkBytes)));
    const { bytesRead } = await file.read(chunk, 0, chunk.length, null);
    if (bytesRead === 0) return Buffer.concat(chunks);
    total += bytesRead;
    if (total > maxBytes) throw tooLarge(path, maxBytes);
    chunks.push(chunk.subarray(0, bytesRead));
    // The end, for a file that did not shrink: to ask for it would take as long as the read.
    if (total === size) return Buffer.concat(chunks);
  }
}

function notRegular(path: string, found: Awaited<ReturnType<FileHandle['stat']>>): FirstlightError {
  const kind = found.isDirectory()
    ? 'a folder'
    : found.isFIFO()
      ? 'a pipe'
      : found.isSocket()
        ? 'a socket'
        : 'a device';
  return new FirstlightError('BAD_INPUT', `${path} is ${kind}, not a file.`, { details: { subject: path } });
}

const tooLarge = (path: string, maxBytes: number) =>
  new FirstlightError('BAD_INPUT', `${path} is too large: at most ${maxBytes} bytes are read.`, {
    details: { subject: path },
  });
