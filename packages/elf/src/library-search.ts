import { dirname } from 'node:path/posix';
import { readLdSoConf, readText } from './ld-so-conf.ts';
import type { Elf } from './read-elf.ts';
import type { RootedFiles } from './rooted-files.ts';

/**
 * The way in which the dynamic linker found a library: `path` when the name itself is a path, `given` when it was
 * requested in addition to the program, `library path` for the given directories.
 */
export type FoundBy =
  | 'path'
  | 'given'
  | 'RPATH'
  | 'library path'
  | 'RUNPATH'
  | 'ld.so.conf'
  | 'default directory'
  | 'interpreter';

/** A loaded program or library, with the object that needed it. */
export interface LoadedObject {
  /** The name for a person: a program's path, a library's name. */
  readonly label: string;
  /** The value of `$ORIGIN`. */
  readonly origin: string;
  readonly elf: Elf;
  readonly loader: LoadedObject | null;
}

export interface SearchDir {
  readonly dir: string;
  readonly by: FoundBy;
}

/** The rules of one dynamic linker. */
export interface LibrarySearch {
  /** The directories to search for a library that `requester` needs, in order. */
  readonly dirsFor: (requester: LoadedObject) => readonly SearchDir[];
  /** True for the linker itself. */
  readonly isBuiltIn: (name: string) => boolean;
  /** The default search directories. */
  readonly defaultDirs: readonly string[];
}

/** The rules of the linker that a program names, in the file system that it will see. */
export async function openLibrarySearch(
  interpreter: string,
  files: RootedFiles,
  libraryPath: readonly string[],
  warn: (message: string) => void,
): Promise<LibrarySearch> {
  const isMusl = /\/ld-musl-[^/]+$/.test(interpreter);
  return isMusl ? openMuslSearch(interpreter, files, libraryPath) : openGlibcSearch(files, libraryPath, warn);
}

const multiarchDir = 'lib/x86_64-linux-gnu';

/** Source: `ld.so(8)`; glibc 2.36, `elf/dl-load.c`. */
async function openGlibcSearch(
  files: RootedFiles,
  libraryPath: readonly string[],
  warn: (message: string) => void,
): Promise<LibrarySearch> {
  const isMultiarch =
    (await files.find(`/usr/${multiarchDir}`)) !== null || (await files.find(`/${multiarchDir}`)) !== null;
  const lib = isMultiarch ? multiarchDir : 'lib64';
  const defaultDirs = [`/${lib}`, `/usr/${lib}`, '/lib', '/usr/lib'];
  const confDirs = (await readLdSoConf(files)).filter((dir) => !defaultDirs.includes(dir));

  const expand = ({ label, origin }: LoadedObject, path: string): string[] => {
    if (/\$(PLATFORM\b|\{PLATFORM\})/.test(path)) {
      warn(
        `The search path of ${label} has $PLATFORM, which Nanos does not tell a program: name the directory itself.`,
      );
    }
    return expandPath(path, { ORIGIN: origin, LIB: lib, PLATFORM: 'x86_64' });
  };
  /** An RPATH also applies to the libraries that a library loads, unless there is a RUNPATH. */
  const rpathOf = (object: LoadedObject): string[] => {
    const { rpath = null, runpath = null } = object.elf.dynamic ?? {};
    return rpath === null || runpath !== null ? [] : expand(object, rpath);
  };

  return {
    defaultDirs,
    isBuiltIn: () => false,
    dirsFor: (requester) => {
      const { runpath = null, noDefaultLibraries = false } = requester.elf.dynamic ?? {};
      const inherited = runpath === null ? ancestry(requester).flatMap(rpathOf) : [];
      return [
        ...searched(inherited, 'RPATH'),
        ...searched(libraryPath, 'library path'),
        ...searched(runpath === null ? [] : expand(requester, runpath), 'RUNPATH'),
        ...searched(confDirs, 'ld.so.conf'),
        ...searched(noDefaultLibraries ? [] : defaultDirs, 'default directory'),
      ];
    },
  };
}

/** The names of libraries that are part of musl's linker, with any ending after the dot. */
const muslOwnNames = /^lib(c|pthread|rt|m|dl|util|xnet)\./;

/** Source: musl 1.2, `ldso/dynlink.c`. It treats RPATH and RUNPATH alike, and both apply to further libraries. */
async function openMuslSearch(
  interpreter: string,
  files: RootedFiles,
  libraryPath: readonly string[],
): Promise<LibrarySearch> {
  const machine = interpreter.slice(interpreter.lastIndexOf('/ld-musl-') + 1).replace(/\.so\.\d+$/, '');
  const listed = await readText(files, `${dirname(dirname(interpreter)).replace(/\/$/, '')}/etc/${machine}.path`);
  const defaultDirs = ['/lib', '/usr/local/lib', '/usr/lib'];
  const systemDirs = listed?.split(/[\n:]/).filter((dir) => dir !== '');

  const pathOf = (object: LoadedObject): string[] => {
    const path = object.elf.dynamic?.runpath ?? object.elf.dynamic?.rpath ?? null;
    return path === null ? [] : expandPath(path, { ORIGIN: object.origin });
  };
  return {
    defaultDirs,
    isBuiltIn: (name) => muslOwnNames.test(name),
    dirsFor: (requester) => [
      ...searched(libraryPath, 'library path'),
      ...ancestry(requester).flatMap((object) =>
        searched(pathOf(object), object.elf.dynamic?.runpath == null ? 'RPATH' : 'RUNPATH'),
      ),
      ...(systemDirs === undefined ? searched(defaultDirs, 'default directory') : searched(systemDirs, 'ld.so.conf')),
    ],
  };
}

/** An object, the object that needed it, and so on up to the program. */
function ancestry(object: LoadedObject): LoadedObject[] {
  const line: LoadedObject[] = [];
  for (let at: LoadedObject | null = object; at !== null; at = at.loader) line.push(at);
  return line;
}

const searched = (dirs: readonly string[], by: FoundBy): SearchDir[] => dirs.map((dir) => ({ dir, by }));

/** The directories of a search path, its variables replaced; relative ones start at the root, where programs start. */
function expandPath(path: string, values: Readonly<Record<string, string>>): string[] {
  return path.split(':').map((dir) => {
    const whole = dir.replace(/\$(?:\{(\w+)\}|(ORIGIN|LIB|PLATFORM))/g, (text, braced?: string, bare?: string) => {
      return values[braced ?? bare ?? ''] ?? text;
    });
    return `/${whole.replace(/^\/+/, '')}`.replace(/(?<=.)\/+$/, '');
  });
}
