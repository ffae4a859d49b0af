import type { FoundBy } from './library-search.ts';
import type { ElfType } from './read-elf.ts';
import type { RootedFile } from './rooted-files.ts';

/** A file of the closure. */
export type ClosureFile = RootedFile;

export interface ClosureProgram extends ClosureFile {
  readonly type: ElfType;
  readonly machine: string;
  readonly buildId: string | null;
}

export interface ClosureLibrary extends ClosureFile {
  /** As the first that needs it calls it. */
  readonly name: string;
  /** The program's path, or names of libraries. */
  readonly neededBy: readonly string[];
  readonly foundBy: FoundBy;
}

export interface MissingLibrary {
  readonly name: string;
  readonly neededBy: readonly string[];
  /** Directories, in the order in which the linker looks. */
  readonly lookedIn: readonly string[];
  /** Files of that name that will not do. */
  readonly unsuitable: readonly { readonly path: string; readonly reason: string }[];
}

/** A file that a program opens while it runs, which nothing in it names. */
export interface Suggestion {
  readonly kind: 'library' | 'file';
  readonly name: string;
  readonly reason: string;
  /** Null when it is not there. A library's own needs come with it when its path is given as one of `loads`. */
  readonly found: ClosureFile | null;
}

/** All that a program needs to start, as its dynamic linker would find it. Shape: plain JSON. */
export interface Closure {
  readonly program: ClosureProgram;
  /** Null for a static program. */
  readonly interpreter: ClosureFile | null;
  /** In the order in which they are loaded. */
  readonly libraries: readonly ClosureLibrary[];
  readonly missing: readonly MissingLibrary[];
  /** What programs commonly look for besides while they run. */
  readonly suggested: readonly Suggestion[];
  /** Where the linker looks when no path or file tells it more. */
  readonly defaultDirs: readonly string[];
  readonly warnings: readonly string[];
}

export interface ClosureOptions {
  /** The directory of this host that is the program's root. Default: `/`. */
  readonly root?: string;
  /** Directories below the root to look in besides, as `LD_LIBRARY_PATH` would name them. */
  readonly libraryPath?: readonly string[];
  /** Libraries that the program loads while it runs (a Python module): what they need is in the closure too. */
  readonly loads?: readonly string[];
}
