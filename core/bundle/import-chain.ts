import type { Metafile } from 'esbuild';
import { isWrapped } from './lambda.ts';

/** The chain of imports from the entry to a file. Shape: `handler.ts → node_modules/a/index.js → …`; null for the entry itself. */
export function importChain({ inputs, outputs }: Pick<Metafile, 'inputs' | 'outputs'>, file: string): string | null {
  const entry = Object.values(outputs).find(({ entryPoint }) => entryPoint !== undefined)?.entryPoint;
  return entry === undefined ? null : chainFrom(inputs, entry, file);
}

/** As `importChain`, from the given entry. */
export function chainFrom(inputs: Metafile['inputs'], entry: string, file: string): string | null {
  const from = new Map<string, string | null>([[entry, null]]);
  // Breadth first: a person recognizes the shortest way.
  for (const at of from.keys()) {
    if (at === file) break;
    for (const { path } of inputs[at]?.imports ?? []) if (!from.has(path)) from.set(path, at);
  }
  if (!from.has(file) || file === entry) return null;
  const chain: string[] = [];
  for (let at: string | null | undefined = file; at !== null && at !== undefined; at = from.get(at)) chain.unshift(at);
  return chain
    .filter((path) => !isWrapped(path))
    .map(shorten)
    .join(' → ');
}

/** A package's file by the package's name: its place of installation does not matter. */
const shorten = (path: string) => path.replace(/^.*node_modules\//, '');
