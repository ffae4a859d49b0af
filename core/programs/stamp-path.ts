import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { undefinedIfMissing } from '#core/store/write-atomic.ts';

/** What changes when a file does, or anything in a folder. Shape: the empty string for what is not there. */
export async function stampOfPath(path: string): Promise<string> {
  const stats = await stat(path).catch(undefinedIfMissing);
  if (stats === undefined) return '';
  if (!stats.isDirectory()) return `${stats.size} ${stats.mtimeMs}`;
  const names = (await readdir(path)).sort();
  const inner = await Promise.all(names.map(async (name) => `${name} ${await stampOfPath(join(path, name))}`));
  return inner.join('\n');
}
