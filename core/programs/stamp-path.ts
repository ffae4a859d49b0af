import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { toFileError } from '#core/store/store-error.ts';
import { undefinedIfMissing } from '#core/store/write-atomic.ts';

/**
 * A stamp that changes with a file, or with anything in a folder. Shape: an empty string for a missing path. Links are
 * followed; a folder that is met again counts once.
 *
 * Errors: BAD_INPUT for a link to itself; STORE_UNUSABLE.
 */
export async function stampOfPath(path: string): Promise<string> {
  return await stampOf(path, new Set());
}

async function stampOf(path: string, seen: Set<string>): Promise<string> {
  try {
    const stats = await stat(path).catch(undefinedIfMissing);
    if (stats === undefined) return '';
    if (!stats.isDirectory()) return `${stats.size} ${stats.mtimeMs}`;
    const real = await realpath(path);
    if (seen.has(real)) return 'again';
    seen.add(real);
    const lines: string[] = [];
    // In order: which of two ways to a folder comes first must not change from one time to the next.
    for (const name of (await readdir(path)).sort()) lines.push(`${name} ${await stampOf(join(path, name), seen)}`);
    return lines.join('\n');
  } catch (thrown) {
    throw toFileError(thrown, 'read', path);
  }
}
