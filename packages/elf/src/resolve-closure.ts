import { dirname } from 'node:path/posix';
import { FormatError } from '@firstlight/files';
import { withFileSource } from './byte-source.ts';
import type {
  Closure,
  ClosureFile,
  ClosureLibrary,
  ClosureOptions,
  ClosureProgram,
  MissingLibrary,
} from './closure.ts';
import { ElfError } from './elf-error.ts';
import { x8664 } from './elf-numbers.ts';
import { type FoundBy, type LibrarySearch, type LoadedObject, openLibrarySearch } from './library-search.ts';
import { type Elf, readElf } from './read-elf.ts';
import { describeHeader, readElfHeader, wrongArchitecture } from './read-header.ts';
import { createRootedFiles, type RootedFile, type RootedFiles } from './rooted-files.ts';
import { suggestHelpers } from './suggest-helpers.ts';

/** Ten times the number of libraries that a desktop program loads. */
const maxObjects = 4000;

/**
 * The dependency closure of a program. `programPath` is absolute, as seen from the root.
 *
 * Errors: `not-found`, `not-a-file`, `not-elf`, `invalid`, `wrong-machine`, `not-a-program`, `too-many`. A missing
 * library is not an error.
 */
export async function resolveClosure(programPath: string, options: ClosureOptions = {}): Promise<Closure> {
  const { root = '/', libraryPath = [], loads = [] } = options;
  const files = createRootedFiles(root);
  const warnings = new Set<string>();
  const { found, elf } = await readProgram(files, programPath);
  const program: ClosureProgram = { ...found, type: elf.type, machine: elf.machine, buildId: elf.buildId };
  if (elf.interpreter === null) {
    return { program, interpreter: null, libraries: [], missing: [], suggested: [], defaultDirs: [], warnings: [] };
  }
  const search = await openLibrarySearch(elf.interpreter, files, libraryPath, (message) => warnings.add(message));
  const main: LoadedObject = { label: found.path, origin: dirname(found.realPath), elf, loader: null };
  const walk = createWalk(files, search);
  const interpreter = await walk.loadInterpreter(elf.interpreter, main);
  for (const path of loads) await walk.loadGiven(path, main);
  await walk.loadNeeded(main);
  const libraries = walk.libraries();
  const suggested = await suggestHelpers(files, search, program, libraries);
  const { defaultDirs } = search;
  return { program, interpreter, libraries, missing: walk.missing(), suggested, defaultDirs, warnings: [...warnings] };
}

async function readProgram(files: RootedFiles, path: string): Promise<{ found: RootedFile; elf: Elf }> {
  const found = await files.findFile(path);
  if (found === null) throw await noFile(files, path);
  const elf = await withFileSource(
    found.hostPath,
    async (source) => {
      const header = await readElfHeader(source);
      if (header.machine !== x8664) throw wrongArchitecture(path, header, 'the unikernel runs x86-64 programs');
      return readElf(source);
    },
    path,
  );
  if (!['executable', 'pie', 'static', 'static-pie'].includes(elf.type)) {
    throw new ElfError('not-a-program', `${path} is not a program: its ELF type is ${elf.type}.`, {
      hint: elf.type === 'relocatable' ? 'Link it first.' : 'Name the program that uses it.',
      subject: path,
    });
  }
  return { found, elf };
}

async function noFile(files: RootedFiles, path: string): Promise<ElfError> {
  const details = { subject: path };
  if ((await files.find(path)) !== null) return new ElfError('not-a-file', `${path} is not a file.`, details);
  const where = files.root === '/' ? '' : ` below ${files.root}`;
  return new ElfError('not-found', `There is no file ${path}${where}.`, details);
}

type Attempt = { readonly elf: Elf } | { readonly reason: string };

/** Reads a file that may be the wanted library; the linker skips a file of another machine. */
async function tryLibrary(found: RootedFile): Promise<Attempt> {
  try {
    return await withFileSource(
      found.hostPath,
      async (source) => {
        const header = await readElfHeader(source);
        if (header.machine !== x8664 || header.bits !== 64) return { reason: `it is for ${describeHeader(header)}` };
        return { elf: await readElf(source) };
      },
      found.path,
    );
  } catch (thrown) {
    if (thrown instanceof FormatError) return { reason: thrown.message };
    throw thrown;
  }
}

interface Entry {
  readonly library: Omit<ClosureLibrary, 'neededBy'>;
  readonly links: RootedFile['links'][number][];
  readonly neededBy: Set<string>;
}

/** Loads objects as the linker does: breadth first, each name once. */
function createWalk(files: RootedFiles, search: LibrarySearch) {
  const entries: Entry[] = [];
  const absent = new Map<string, Omit<MissingLibrary, 'neededBy'> & { neededBy: Set<string> }>();
  /** Null stands for the linker itself, which is loaded before all others. */
  const byName = new Map<string, Entry | null>();
  const byFile = new Map<string, Entry | null>();
  const queue: LoadedObject[] = [];

  function report(name: string, neededBy: string, lookedIn: string[], unsuitable: { path: string; reason: string }[]) {
    const known = absent.get(name);
    if (known !== undefined) known.neededBy.add(neededBy);
    else absent.set(name, { name, lookedIn: [...new Set(lookedIn)], unsuitable, neededBy: new Set([neededBy]) });
  }

  async function loadInterpreter(path: string, main: LoadedObject): Promise<ClosureFile | null> {
    const found = await files.findFile(path);
    const attempt = found === null ? null : await tryLibrary(found);
    if (found === null || attempt === null || 'reason' in attempt) {
      const unsuitable = attempt === null || 'elf' in attempt ? [] : [{ path, reason: attempt.reason }];
      report(path, main.label, [dirname(path)], unsuitable);
      return null;
    }
    for (const name of [path, attempt.elf.dynamic?.soname]) if (name) byName.set(name, null);
    byFile.set(found.realPath, null);
    return found;
  }

  function keep(name: string, found: RootedFile, elf: Elf, foundBy: FoundBy, requester: LoadedObject): void {
    const entry = byFile.get(found.realPath);
    if (entry !== undefined) {
      byName.set(name, entry);
      entry?.neededBy.add(requester.label);
      // The path of another name may have other links.
      entry?.links.push(...found.links);
      return;
    }
    if (entries.length >= maxObjects) {
      throw new ElfError('too-many', `${found.path} is one library too many: ${maxObjects} are loaded before it.`);
    }
    const links = [...found.links];
    const made: Entry = { library: { ...found, name, foundBy }, links, neededBy: new Set([requester.label]) };
    entries.push(made);
    byFile.set(found.realPath, made);
    for (const known of [name, elf.dynamic?.soname]) if (known && !byName.has(known)) byName.set(known, made);
    queue.push({ label: name, origin: dirname(found.path), elf, loader: requester });
  }

  async function load(name: string, requester: LoadedObject): Promise<void> {
    const known = byName.get(name);
    if (known !== undefined || search.isBuiltIn(name)) {
      known?.neededBy.add(requester.label);
      return;
    }
    if (absent.has(name)) return report(name, requester.label, [], []);
    const unsuitable: { path: string; reason: string }[] = [];
    const isPath = name.includes('/');
    const dirs = isPath ? [{ dir: '', by: 'path' as const }] : search.dirsFor(requester);
    for (const { dir, by } of dirs) {
      const path = isPath ? `/${name.replace(/^\/+/, '')}` : `${dir === '/' ? '' : dir}/${name}`;
      const found = await files.findFile(path);
      if (found === null) continue;
      const attempt = await tryLibrary(found);
      if ('elf' in attempt) return keep(name, found, attempt.elf, by, requester);
      unsuitable.push({ path, reason: attempt.reason });
    }
    report(name, requester.label, isPath ? [dirname(name)] : dirs.map(({ dir }) => dir), unsuitable);
  }

  return {
    loadInterpreter,

    loadGiven: async (path: string, main: LoadedObject): Promise<void> => {
      const found = await files.findFile(path);
      if (found === null) return report(path, main.label, [dirname(path)], []);
      const attempt = await tryLibrary(found);
      if ('elf' in attempt) keep(path, found, attempt.elf, 'given', main);
      else report(path, main.label, [dirname(path)], [{ path, reason: attempt.reason }]);
    },

    loadNeeded: async (main: LoadedObject): Promise<void> => {
      queue.unshift(main);
      for (let object = queue.shift(); object !== undefined; object = queue.shift()) {
        for (const name of object.elf.dynamic?.needed ?? []) await load(name, object);
      }
    },

    libraries: (): ClosureLibrary[] =>
      entries.map(({ library, links, neededBy }) => ({ ...library, links, neededBy: [...neededBy] })),
    missing: (): MissingLibrary[] => [...absent.values()].map((one) => ({ ...one, neededBy: [...one.neededBy] })),
  };
}
