import { withFileSource } from './byte-source.ts';
import type { Closure, ClosureFile } from './closure.ts';
import { importsOf, isPartOfLibc, namesIn } from './object-names.ts';
import { readElfHeader } from './read-header.ts';
import { readSections } from './read-sections.ts';

/** An object that can start processes. */
export interface ForkUse {
  /** Its path. */
  readonly object: string;
  /** The functions that it calls for this. */
  readonly calls: readonly string[];
  /** `imports`: from the C library; `links`: the object contains the function itself. */
  readonly how: 'imports' | 'links';
  /** `may` for a language runtime and for a library, which offer it to other code and may never use it. */
  readonly level: 'likely' | 'may';
}

export interface ForkReport {
  readonly uses: readonly ForkUse[];
  /** True when a static program has been stripped of its symbol names. */
  readonly isUnknown: boolean;
}

/** Calls of the C library that create a process, or replace this program. */
const processCalls = new Set(
  (
    'fork vfork clone posix_spawn posix_spawnp pidfd_spawn pidfd_spawnp system popen forkpty daemon ' +
    'execve execveat fexecve execv execvp execvpe execl execlp execle'
  ).split(' '),
);
/** A static program has these only when its code calls them; `clone` and `execve` come with threads as well. */
const linkedCalls = new Set(['fork', 'vfork', 'posix_spawn', 'posix_spawnp', 'system', 'popen', 'forkpty', 'daemon']);
/** Go's linker leaves out functions that are never called. */
const goCalls = ['os/exec.(*Cmd).Start', 'os.StartProcess', 'syscall.forkExec'] as const;
const goFunctions = '.gopclntab';

/** Programs that run other people's code, and can start processes for that code. */
const languageRuntime =
  /^(node|nodejs|deno|bun|python|ruby|perl|php|java|lua|luajit|guile|tclsh|erl|beam)([\d.]*|\.smp)$/;

/**
 * The parts of a program that can start processes, which a unikernel of one process cannot do. The C library itself
 * always can: only its users count.
 *
 * Errors: `invalid`.
 */
export async function findFork(closure: Closure): Promise<ForkReport> {
  const { program, libraries } = closure;
  const name = program.realPath.slice(program.realPath.lastIndexOf('/') + 1);
  const uses: ForkUse[] = [];
  const add = (object: ClosureFile, how: ForkUse['how'], calls: readonly string[]) => {
    const level = object === program && !languageRuntime.test(name) ? 'likely' : 'may';
    if (calls.length > 0) uses.push({ object: object.path, calls, how, level });
  };
  const isStatic = closure.interpreter === null && closure.missing.length === 0;
  add(program, 'links', await goCallsOf(program));
  if (uses.length === 0 && isStatic) add(program, 'links', await linkedCallsOf(program));
  if (uses.length === 0 && !isStatic) add(program, 'imports', await importsOf(program, processCalls));
  for (const library of libraries.filter((one) => !isPartOfLibc(one.name))) {
    add(library, 'imports', await importsOf(library, processCalls));
  }
  return { uses, isUnknown: isStatic && uses.length === 0 && !(await hasNames(program)) };
}

async function linkedCallsOf(program: ClosureFile): Promise<string[]> {
  const found = await namesIn(program, 'symtab', linkedCalls);
  return [...found].flatMap(([name, isDefined]) => (isDefined ? [name] : []));
}

/** Go keeps its functions' names for stack traces, also in a stripped program. */
async function goCallsOf({ hostPath, path }: ClosureFile): Promise<string[]> {
  return withFileSource(
    hostPath,
    async (source) => {
      const sections = await readSections(source, await readElfHeader(source));
      const functions = sections.find((section) => section.name === goFunctions);
      if (functions === undefined || functions.bytes > maxGoFunctionsBytes) return [];
      const names = await source.read(functions.offset, functions.bytes);
      return goCalls.filter((name) => names.includes(`\0${name}\0`));
    },
    path,
  );
}

/** The table of a Go program of 500 MB takes half as much. */
const maxGoFunctionsBytes = 256 * 1024 * 1024;

async function hasNames({ hostPath, path }: ClosureFile): Promise<boolean> {
  return withFileSource(
    hostPath,
    async (source) => {
      const sections = await readSections(source, await readElfHeader(source));
      return sections.some(({ name }) => name === '.symtab' || name === goFunctions);
    },
    path,
  );
}
