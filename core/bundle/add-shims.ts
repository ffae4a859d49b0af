import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { undefinedIfMissing } from '../store/write-atomic.ts';
import { sha256 } from './bundle-cache.ts';
import { shimsOf } from './globals.ts';
import type { GlobalUse } from './mark-globals.ts';

/** Scripts that set globals, by file name, with a digest of all. */
export interface Shims {
  readonly scripts: ReadonlyMap<string, string>;
  readonly sha256: string;
}

/** The shims in a folder. One that is missing is not there: code that names its globals says so when it runs. */
export async function readShims(dir: string): Promise<Shims> {
  const scripts = new Map<string, string>();
  for (const file of new Set([...shimsOf.values()].flat())) {
    const script = await readFile(join(dir, file), 'utf8').catch(undefinedIfMissing);
    if (script !== undefined) scripts.set(file, script);
  }
  return { scripts, sha256: sha256([...scripts.values()].join('\0')) };
}

/** A bundle that begins with the shims of the globals it uses; its map says of their lines nothing. */
export function addShims(
  made: { readonly code: string; readonly sourceMap: string },
  uses: readonly GlobalUse[],
  { scripts }: Shims,
): { readonly code: string; readonly sourceMap: string } {
  const files = new Set(uses.flatMap(({ name }) => shimsOf.get(name) ?? []));
  const added = [...scripts].filter(([file]) => files.has(file)).map(([, script]) => `${script.trimEnd()}\n`);
  if (added.length === 0) return made;
  const before = added.join('');
  // In a source map's mappings, a semicolon ends a line.
  const lines = ';'.repeat(before.split('\n').length - 1);
  return {
    code: before + made.code,
    sourceMap: made.sourceMap.replace(/("mappings"\s*:\s*")/, (start) => start + lines),
  };
}
