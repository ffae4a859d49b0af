/** Removes half-written files that a killed process of ours left in a person's project. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { removeTemps, undefinedIfMissing } from '../store/write-atomic.ts';

/** Large folders that we never write to. */
const skipped: ReadonlySet<string> = new Set(['node_modules', '.git']);
/** A project with more has been opened by mistake. */
const maxFolders = 2000;

/** Shape: how many were removed. Files by our own pattern of names that are older than `olderThanMs`; no link is followed. */
export async function sweepProject(dir: string, olderThanMs?: number): Promise<number> {
  let removed = 0;
  const folders = [dir];
  for (let at = 0; at < Math.min(folders.length, maxFolders); at++) {
    const folder = folders[at] ?? dir;
    removed += await removeTemps(folder, olderThanMs);
    const entries = (await readdir(folder, { withFileTypes: true }).catch(undefinedIfMissing)) ?? [];
    for (const entry of entries) {
      if (entry.isDirectory() && !skipped.has(entry.name)) folders.push(join(folder, entry.name));
    }
  }
  return removed;
}
