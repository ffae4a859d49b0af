import { resolve, sep } from 'node:path';

/** The places of this machine that the page may name: those picked in a dialog, or given on the command line. */
export interface PickedPaths {
  readonly add: (path: string) => void;
  readonly list: () => readonly string[];
  /** True for a picked place that is in no other one: the page cannot have written it. */
  readonly isPickedAlone: (path: string) => boolean;
}

/** Shape: `first` are the places that may always be named. */
export function createPickedPaths(first: readonly string[]): PickedPaths {
  const paths = new Set(first);
  return {
    add: (path) => void paths.add(resolve(path)),
    list: () => [...paths],
    isPickedAlone: (path) =>
      paths.has(resolve(path)) && ![...paths].some((other) => resolve(path).startsWith(`${other}${sep}`)),
  };
}
