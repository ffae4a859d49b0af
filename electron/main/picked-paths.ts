import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';

/** The places of this machine that the page may name: those picked in a dialog, or given on the command line. */
export interface PickedPaths {
  readonly add: (path: string) => void;
  readonly list: () => readonly string[];
}

/** Shape: `first` are the places that may always be named. */
export function createPickedPaths(first: readonly string[]): PickedPaths {
  const paths = new Set(first);
  return { add: (path) => void paths.add(resolve(path)), list: () => [...paths] };
}

/** The folders named on a command line. Shape: absolute paths; `args` without the program and its own folder. */
export function foldersIn(args: readonly string[], cwd: string): string[] {
  return args
    .filter((arg) => !arg.startsWith('-'))
    .map((arg) => resolve(cwd, arg))
    .filter((path) => existsSync(path) && statSync(path).isDirectory());
}
