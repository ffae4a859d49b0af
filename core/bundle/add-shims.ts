import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '#core/store/digest.ts';
import { undefinedIfMissing } from '../store/write-atomic.ts';
import { shimOrder } from './globals.ts';

/** Scripts that set globals, by file name, with a digest of all. */
export interface Shims {
  readonly scripts: ReadonlyMap<string, string>;
  /** The members of each of Node's modules here. */
  readonly members: Readonly<Record<string, readonly string[]>>;
  readonly sha256: string;
}

/**
 * The shims in a folder. A missing one is left out: code that names its globals fails with their names when it runs.
 */
export async function readShims(dir: string): Promise<Shims> {
  const scripts = new Map<string, string>();
  for (const file of shimOrder) {
    const script = await readFile(join(dir, file), 'utf8').catch(undefinedIfMissing);
    if (script !== undefined) scripts.set(file, script);
  }
  const members = (await readFile(join(dir, 'node/members.json'), 'utf8').catch(undefinedIfMissing)) ?? '{}';
  return { scripts, members: JSON.parse(members), sha256: sha256([...scripts.values(), members].join('\0')) };
}

/** A bundle that begins with these shims. Its source map has no mappings for their lines. */
export function addShims(
  made: { readonly code: string; readonly sourceMap: string },
  files: readonly string[],
  { scripts }: Pick<Shims, 'scripts'>,
): { readonly code: string; readonly sourceMap: string } {
  const added = files.map((file) => scripts.get(file)).filter((script) => script !== undefined);
  if (added.length === 0) return made;
  const before = added.map((script) => `${script.trimEnd()}\n`).join('');
  // In a source map's mappings, a semicolon ends a line.
  const lines = ';'.repeat(before.split('\n').length - 1);
  return {
    code: before + made.code,
    sourceMap: made.sourceMap.replace(/("mappings"\s*:\s*")/, (start) => start + lines),
  };
}
