/** Files that have another name until they are complete. */
import { randomBytes } from 'node:crypto';
import { closeSync, fchmodSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { undefinedIfMissing } from './files-error.ts';

export interface WriteFileOptions {
  /** Permission bits, independent of the umask. Default: 0600. */
  readonly mode?: number;
  /** False for data that can be made again: it survives the end of the process, not of the machine. Default: true. */
  readonly durable?: boolean;
}

/** The mark of a partly written file: watchers and listings skip it, `removeTemps` removes it. */
const tempName = /^\..*\.[0-9a-f]{12}\.fl-tmp$/;
export const isTempName = (name: string): boolean => tempName.test(name);

/** The temporary name beside `path`, until the file is complete and can be renamed. */
export const tempPathFor = (path: string): string =>
  join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.fl-tmp`);

/**
 * Replaces a file so that every reader, also after a kill or a power cut, finds the old content or the new one, whole.
 *
 * Errors: the system's own; the old content then stays.
 */
export async function replaceFile(
  path: string,
  data: string | Uint8Array,
  { mode = 0o600, durable = true }: WriteFileOptions = {},
): Promise<void> {
  if (!durable && data.length <= maxDirectBytes) return replaceAtOnce(path, data, mode);
  const temp = tempPathFor(path);
  try {
    const file = await open(temp, 'wx', mode);
    try {
      await file.writeFile(data);
      // The umask may have cleared bits that another user's QEMU needs.
      await file.chmod(mode);
      if (durable) await file.sync();
    } finally {
      await file.close();
    }
    await rename(temp, path);
    if (durable) await syncDir(dirname(path));
  } catch (thrown) {
    await rm(temp, { force: true });
    throw thrown;
  }
}

/** A write of so much takes less time than five trips to another thread, which a small file would spend most of its time on. */
const maxDirectBytes = 256 << 10;

function replaceAtOnce(path: string, data: string | Uint8Array, mode: number): void {
  const temp = tempPathFor(path);
  try {
    writeAtOnce(temp, data, mode);
    renameSync(temp, path);
  } catch (thrown) {
    rmSync(temp, { force: true });
    throw thrown;
  }
}

/** Writes a small file: a new one, or with `flags` of `w` also one that exists. Errors: the system's own. */
export function writeAtOnce(path: string, data: string | Uint8Array, mode: number, flags: 'w' | 'wx' = 'wx'): void {
  const file = openSync(path, flags, mode);
  try {
    writeFileSync(file, data);
    // The umask may have cleared bits that another user's QEMU needs.
    fchmodSync(file, mode);
  } finally {
    closeSync(file);
  }
}

/** Makes a rename or a removal in `dir` survive a power cut. */
async function syncDir(dir: string): Promise<void> {
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Removes a killed process's unfinished files in `dir`. Units: `olderThanMs`; a younger file may still be in use. */
export async function removeTemps(dir: string, olderThanMs = 60_000): Promise<number> {
  let removed = 0;
  for (const name of await namesIn(dir)) {
    if (!isTempName(name)) continue;
    const path = join(dir, name);
    const found = await stat(path).catch(undefinedIfMissing);
    if (found === undefined || Date.now() - found.mtimeMs < olderThanMs) continue;
    await rm(path, { recursive: true, force: true });
    removed++;
  }
  return removed;
}

/** The names in a folder; empty when it does not exist. */
export async function namesIn(dir: string): Promise<string[]> {
  return (await readdir(dir).catch(undefinedIfMissing)) ?? [];
}
