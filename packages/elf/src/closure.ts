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
  /** Its name in the first object that needs it. */
  readonly name: string;
  /** The program's path, or names of libraries. */
  readonly neededBy: readonly string[];
  readonly foundBy: FoundBy;
}

export interface MissingLibrary {
  readonly name: string;
  readonly neededBy: readonly string[];
  /** Directories, in the linker's search order. */
  readonly lookedIn: readonly string[];
  /** Files with that name that do not fit. */
  readonly unsuitable: readonly { readonly path: string; readonly reason: string }[];
}

/** A file that a program opens while it runs, without a reference in its ELF data. */
export interface Suggestion {
  readonly kind: 'library' | 'file';
  readonly name: string;
  readonly reason: string;
  /** Null when it does not exist. A library's own needs are included when its path is one of `loads`. */
  readonly found: ClosureFile | null;
}

/** All files that a program needs to start, as its dynamic linker would find them. Shape: plain JSON. */
export interface Closure {
  readonly program: ClosureProgram;
  /** Null for a static program. */
  readonly interpreter: ClosureFile | null;
  /** In the order in which they are loaded. */
  readonly libraries: readonly ClosureLibrary[];
  readonly missing: readonly MissingLibrary[];
  /** Other files that such programs commonly open while they run. */
  readonly suggested: readonly Suggestion[];
  /** The linker's default search directories. */
  readonly defaultDirs: readonly string[];
  readonly warnings: readonly string[];
}

export interface ClosureOptions {
  /** The directory of this host that is the program's root. Default: `/`. */
  readonly root?: string;
  /** Additional search directories below the root, as in `LD_LIBRARY_PATH`. */
  readonly libraryPath?: readonly string[];
  /** Libraries that the program loads while it runs (a Python module): the closure includes their needs too. */
  readonly loads?: readonly string[];
}
