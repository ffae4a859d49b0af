import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { undefinedIfMissing } from '#core/store/write-atomic.ts';

/** A stamp that changes with a file, or with anything in a folder. Shape: an empty string for a missing path. */
export async function stampOfPath(path: string): Promise<string> {
  const stats = await stat(path).catch(undefinedIfMissing);
  if (stats === undefined) return '';
  if (!stats.isDirectory()) return `${stats.size} ${stats.mtimeMs}`;
  const names = (await readdir(path)).sort();
  const inner = await Promise.all(names.map(async (name) => `${name} ${await stampOfPath(join(path, name))}`));
  return inner.join('\n');
}
