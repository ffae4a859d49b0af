/**
 * Finds which globals a bundle uses, by having esbuild rename them.
 *
 * esbuild's `define` replaces an identifier only where it is free, after it has read every scope. So each watched global is
 * renamed to a marked name of the same length, looked for in the output, and renamed back: lines and columns stay what the source map says.
 */
import { originalPositionFor, TraceMap } from '@jridgewell/trace-mapping';
import type { Problem } from '#shared/errors.ts';
import { missingGlobals, shimsOf } from './globals.ts';

/** A letter that an identifier may end with, and that nobody writes: it stands for the last letter of a global's name. */
const mark = '\uA7FB';
const marked = (name: string) => name.slice(0, -1) + mark;
const nameOf = new Map([...shimsOf.keys(), ...missingGlobals.keys()].map((name) => [marked(name), name]));
const usePattern = new RegExp(`(typeof\\s+)?([A-Za-z_$][\\w$]*${mark})`, 'g');

/** What esbuild is to rename. Shape: name to marked name. */
export const watchedGlobals: Readonly<Record<string, string>> = Object.fromEntries(
  [...nameOf].map(([markedName, name]) => [name, markedName]),
);

/** A place in the bundle where a global is used. Shape: `at` counts UTF-16 units from the start. */
export interface GlobalUse {
  readonly name: string;
  readonly at: number;
  /** `typeof name`: it asks whether the global is there. */
  readonly asks: boolean;
}

/** What esbuild made, with the names as they were. */
export interface Unmarked {
  readonly code: string;
  readonly uses: readonly GlobalUse[];
  /** Names that the code may also declare, in another of its files: these must be renamed by esbuild, who sees scopes. */
  readonly clashes: readonly string[];
}

/** Takes the marks out of the code that esbuild made. */
export function unmark(code: string): Unmarked {
  if (!code.includes(mark)) return { code, uses: [], clashes: [] };
  const uses: GlobalUse[] = [];
  const restored = code.replace(usePattern, (whole: string, asks: string | undefined, found: string, at: number) => {
    const name = nameOf.get(found);
    if (name === undefined) return whole;
    uses.push({ name, at: at + (asks?.length ?? 0), asks: asks !== undefined });
    return (asks ?? '') + name;
  });
  const names = [...new Set(uses.map(({ name }) => name))];
  return {
    code: restored,
    uses,
    clashes: names.filter((name) => new RegExp(`(?<![\\w$.])${name}(?![\\w$])`).test(code)),
  };
}

/**
 * Warnings for globals that Ember lacks: one for each line of the project, one for each file of a package.
 *
 * A file that asks with `typeof` whether a global is there knows how to do without.
 */
export function warnOfMissing({
  code,
  sourceMap,
  uses,
}: Pick<Unmarked, 'code' | 'uses'> & { readonly sourceMap: string }): Problem[] {
  if (!uses.some(({ name }) => missingGlobals.has(name))) return [];
  const map = new TraceMap(sourceMap);
  const starts = [0];
  for (let at = code.indexOf('\n'); at !== -1; at = code.indexOf('\n', at + 1)) starts.push(at + 1);
  const asked = new Set<string>();
  const found = new Map<string, { readonly asking: string; readonly problem: Problem }>();
  let line = 0;
  for (const { name, at, asks } of uses) {
    const why = missingGlobals.get(name);
    while ((starts[line + 1] ?? Number.POSITIVE_INFINITY) <= at) line++;
    const place = originalPositionFor(map, { line: line + 1, column: at - (starts[line] ?? 0) });
    if (why === undefined || place.source === null) continue;
    const file = place.source;
    const asking = `${name} ${file}`;
    if (asks) asked.add(asking);
    const key = file.includes('node_modules/') ? asking : `${asking} ${place.line}`;
    if (asks || found.has(key)) continue;
    const lineText = map.sourcesContent?.[map.sources.indexOf(file)]?.split('\n')[place.line - 1];
    const problem: Problem = {
      severity: 'warning',
      message: `\`${name}\` is not there: ${why}`,
      file,
      line: place.line,
      column: place.column + 1,
      ...(lineText !== undefined && { lineText }),
    };
    found.set(key, { asking, problem });
  }
  return [...found.values()].filter(({ asking }) => !asked.has(asking)).map(({ problem }) => problem);
}
