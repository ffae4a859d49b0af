/** Files that are made under another name until they are whole. */
import { randomBytes } from 'node:crypto';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { undefinedIfMissing } from './files-error.ts';

export interface WriteFileOptions {
  /** Permission bits, whatever the umask. Default: 0600. */
  readonly mode?: number;
  /** False for what can be made again: it then survives the process, not the machine, being killed. Default: true. */
  readonly durable?: boolean;
}

/** How a half-written file differs from a whole one: watchers and listings pass it over, `removeTemps` ends it. */
const tempName = /^\..*\.[0-9a-f]{12}\.fl-tmp$/;
export const isTempName = (name: string): boolean => tempName.test(name);

/** The name beside `path` under which it is made, until it is whole and can be renamed. */
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
  const temp = tempPathFor(path);
  try {
    const file = await open(temp, 'wx', mode);
    try {
      await file.writeFile(data);
      // The umask may have taken bits away that another user's QEMU needs.
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

/** Makes a rename or a removal in `dir` survive a power cut. */
async function syncDir(dir: string): Promise<void> {
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Ends what a killed process left half-written in `dir`. Units: `olderThanMs`; a younger one may still be written. */
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

/** The names in a folder; none when it does not exist. */
export async function namesIn(dir: string): Promise<string[]> {
  return (await readdir(dir).catch(undefinedIfMissing)) ?? [];
}
