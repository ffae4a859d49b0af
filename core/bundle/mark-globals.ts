/**
 * Finds which globals a bundle uses, by having esbuild rename them.
 *
 * esbuild's `define` replaces an identifier only where it is free, after it has read every scope. So each watched
 * global is renamed to a marked name of the same length, looked for in the output, and renamed back: lines and columns
 * still match the source map.
 */
import { membersOf, missingGlobals, shimsOf } from './globals.ts';

/**
 * A letter that an identifier may end with, and that does not occur in real code: it stands for the last letter of a
 * global's name.
 */
const mark = '\uA7FB';
const marked = (name: string) => name.slice(0, -1) + mark;
const names = [...shimsOf.keys(), ...missingGlobals.keys(), ...membersOf.keys()];
const nameOf = new Map(names.map((name) => [marked(name), name]));
const usePattern = new RegExp(
  `(typeof\\s+)?((?:globalThis|self)\\??\\.)?([A-Za-z_$][\\w$]*${mark})(?:\\s*\\??\\.\\s*([A-Za-z_$][\\w$]*))?`,
  'g',
);

/** The names that esbuild renames. Shape: name to marked name. */
export const watchedGlobals: Readonly<Record<string, string>> = Object.fromEntries([
  ...names.map((name) => [name, marked(name)]),
  // A missing global that is read as a member is undefined, not an error.
  ...names
    .filter((name) => !missingGlobals.has(name))
    .flatMap((name) => ['globalThis', 'self', 'global'].map((of) => [`${of}.${name}`, `globalThis.${marked(name)}`])),
]);

/** A place in the bundle where a global is used. Shape: `at` counts UTF-16 units from the start. */
export interface GlobalUse {
  readonly name: string;
  readonly at: number;
  /** `typeof name`: the code checks that the global exists. */
  readonly asks: boolean;
  /** The member of it that is used; empty for the global itself. */
  readonly member: string;
}

/** The output of esbuild, with the original names. */
export interface Unmarked {
  readonly code: string;
  readonly uses: readonly GlobalUse[];
  /**
   * Names that the code may also declare, in another of its files: esbuild must rename these, because it knows the
   * scopes.
   */
  readonly clashes: readonly string[];
}

/** Takes the marks out of the code that esbuild made. */
export function unmark(code: string): Unmarked {
  if (!code.includes(mark)) return { code, uses: [], clashes: [] };
  const uses: GlobalUse[] = [];
  const restored = code.replace(
    usePattern,
    (whole: string, asks = '', of = '', found: string, member = '', at: number) => {
      const name = nameOf.get(found);
      if (name === undefined) return whole;
      uses.push({ name, at: at + asks.length, asks: asks !== '', member });
      return asks + of + name + whole.slice(asks.length + of.length + found.length);
    },
  );
  const used = [...new Set(uses.map(({ name }) => name))];
  return {
    code: restored,
    uses,
    clashes: used.filter((name) => mayDeclare(code, name)),
  };
}

/** True when marked code uses a name as a global, and not in text or as a member. */
function mayDeclare(code: string, name: string): boolean {
  if (!membersOf.has(name)) return new RegExp(`(?<![\\w$."'])${name}(?![\\w$"':])`).test(code);
  return new RegExp(
    `^(?:export )?(?:var|let|const|class|(?:async )?function\\*?) (?:[^=;]*[^\\w$.=;])?${name}(?![\\w$])`,
    'm',
  ).test(code);
}
