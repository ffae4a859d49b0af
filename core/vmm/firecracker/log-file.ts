import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';

/** The place of Firecracker's log in a folder. */
export const logIn = (dir: string) => join(dir, 'firecracker.log');

/** A guest can have Firecracker log; a log that has grown beyond this is emptied. It may lie in memory. */
const maxBytes = 1024 * 1024;
/** The length of a log's end in an error. */
const tailBytes = 2000;

/** Empties a log that is too long. Firecracker continues at its offset, which leaves a hole that takes no space. */
export async function trimLog(path: string): Promise<void> {
  await withLog(path, constants.O_WRONLY, async (file) => {
    const { blocks } = await file.stat();
    if (blocks * 512 > maxBytes) await file.truncate();
  });
}

/** The end of a log; empty without one. */
export async function readLog(path: string): Promise<string> {
  const words = await withLog(path, constants.O_RDONLY, async (file) => {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read(Buffer.alloc(tailBytes), 0, tailBytes, Math.max(0, size - tailBytes));
    return buffer.toString('utf8', 0, bytesRead).replaceAll('\0', '').trim();
  });
  return words ?? '';
}

/**
 * Acts on a log that is a plain file with one name. A jailed Firecracker could put something else there: a link, to
 * have root empty another file, or a pipe, to hold it up.
 */
async function withLog<T>(path: string, mode: number, act: (file: FileHandle) => Promise<T>): Promise<T | undefined> {
  // It is missing once its machine has ended.
  const file = await open(path, mode | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(() => null);
  if (file === null) return undefined;
  try {
    const found = await file.stat();
    return found.isFile() && found.nlink === 1 ? await act(file) : undefined;
  } finally {
    await file.close();
  }
}
