/** The files of a saved machine: stored without their empty parts, private, and checked. */
import { createHash } from 'node:crypto';
import { chmod, type FileHandle, open, readdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

export const savedFileSchema = z.object({
  name: z.string().regex(/^[a-z]+$/),
  bytes: z.number().int().nonnegative(),
  /** Bytes on disk: empty parts take none. */
  storedBytes: z.number().int().nonnegative(),
  /** Of each part that is not empty, with its offset. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
export type SavedFile = z.output<typeof savedFileSchema>;

const readBytes = 4 * 1024 * 1024;
/** Memory is given out in pages of this size. */
const partBytes = 4096;
const emptyPart = Buffer.alloc(partBytes);

/** Files that were read whole and found right, by path, with what shows a change of them. */
const checked = new Map<string, string>();

/** Makes the files in a folder private, and takes their empty parts off the disk. */
export async function sealSavedFiles(dir: string): Promise<SavedFile[]> {
  const files: SavedFile[] = [];
  for (const name of (await readdir(dir)).sort()) {
    const path = join(dir, name);
    const sparse = join(dir, `${name}.sparse`);
    const target = await open(sparse, 'wx', 0o600);
    try {
      const { bytes, sha256 } = await readParts(path, (part, offset) => writeAll(target, part, offset));
      await target.truncate(bytes);
      await rename(sparse, path);
      await chmod(path, 0o600);
      files.push({ name, bytes, storedBytes: (await target.stat()).blocks * 512, sha256 });
    } finally {
      await target.close();
    }
  }
  return files;
}

/**
 * True when the files are as they were sealed. Each is read whole when this process first sees it, and again once its
 * size, place or time has changed.
 */
export async function checkSavedFiles(dir: string, files: readonly SavedFile[]): Promise<boolean> {
  for (const { name, bytes, sha256 } of files) {
    const path = join(dir, name);
    const found = await stat(path, { bigint: true }).catch(() => null);
    if (found === null || found.size !== BigInt(bytes)) return false;
    // The time of change (ctime) moves with each link into a jail, whose process can read the file and not write it.
    const state = `${sha256} ${found.ino} ${found.size} ${found.mtimeNs}`;
    if (checked.get(path) === state) continue;
    const read = await readParts(path, async () => undefined).catch(() => null);
    if (read?.sha256 !== sha256) return false;
    checked.set(path, state);
  }
  return true;
}

/** Reads a file once: its parts that are not empty, its size, and the digest of these parts. */
async function readParts(
  path: string,
  onPart: (part: Buffer, offset: number) => Promise<unknown>,
): Promise<{ readonly bytes: number; readonly sha256: string }> {
  const hash = createHash('sha256');
  const file = await open(path);
  const buffer = Buffer.alloc(readBytes);
  let offset = 0;
  try {
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, readBytes, offset);
      if (bytesRead === 0) break;
      for (const { from, to } of fullRanges(buffer.subarray(0, bytesRead))) {
        const part = buffer.subarray(from, to);
        hash.update(`${offset + from}\n`).update(part);
        await onPart(part, offset + from);
      }
      offset += bytesRead;
    }
  } finally {
    await file.close();
  }
  return { bytes: offset, sha256: hash.digest('hex') };
}

/** The ranges of parts that are not empty, neighbours joined. */
function fullRanges(buffer: Buffer): { from: number; to: number }[] {
  const ranges: { from: number; to: number }[] = [];
  for (let from = 0; from < buffer.length; from += partBytes) {
    const to = Math.min(buffer.length, from + partBytes);
    if (buffer.compare(emptyPart, 0, to - from, from, to) === 0) continue;
    const last = ranges.at(-1);
    if (last?.to === from) last.to = to;
    else ranges.push({ from, to });
  }
  return ranges;
}

async function writeAll(file: FileHandle, part: Buffer, offset: number): Promise<void> {
  for (let at = 0; at < part.length; ) {
    at += (await file.write(part, at, part.length - at, offset + at)).bytesWritten;
  }
}
