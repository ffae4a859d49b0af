import { join } from 'node:path/posix';
import type { ClosureFile, ClosureLibrary, ClosureProgram, Suggestion } from './closure.ts';
import type { LibrarySearch } from './library-search.ts';
import { importsOf, isPartOfLibc, namesIn } from './object-names.ts';
import type { RootedFiles } from './rooted-files.ts';

const calls = {
  hosts: ['getaddrinfo', 'gethostbyname', 'gethostbyname_r', 'gethostbyname2_r', 'gethostbyaddr', 'getnameinfo'],
  users: ['getpwnam', 'getpwnam_r', 'getpwuid', 'getpwuid_r', 'getgrnam', 'getgrnam_r', 'getgrgid', 'getgrgid_r'],
  unwinding: ['pthread_cancel', 'pthread_exit', 'backtrace'],
} as const;
type Need = keyof typeof calls;

/** Since glibc 2.34 these are part of libc itself. */
const builtInResolvers = { files: '_nss_files_gethostbyname4_r', dns: '_nss_dns_gethostbyname4_r' } as const;

/** Other files that a program with these libraries commonly needs: name service modules, their files, libgcc_s. */
export async function suggestHelpers(
  files: RootedFiles,
  search: LibrarySearch,
  program: ClosureProgram,
  libraries: readonly ClosureLibrary[],
): Promise<Suggestion[]> {
  const callers = await findCallers([program, ...libraries.filter(({ name }) => !isPartOfLibc(name))]);
  const libc = libraries.find(({ name }) => name === 'libc.so.6');
  const suggestions: Suggestion[] = [];
  const library = async (name: string, reason: string) => {
    if (libraries.some((known) => known.name === name)) return;
    suggestions.push({ kind: 'library', name, reason, found: await findIn(files, search.defaultDirs, name) });
  };
  const file = async (path: string, reason: string) => {
    suggestions.push({ kind: 'file', name: path, reason, found: await findIn(files, [''], path) });
  };
  const says = (need: Need, why: string) => `${callers.get(need)}, ${why}`;

  if (callers.has('unwinding') && libc !== undefined) {
    await library('libgcc_s.so.1', says('unwinding', 'and glibc loads this library for it'));
  }
  if (callers.has('hosts')) {
    for (const service of libc === undefined ? [] : await resolversOutside(libc)) {
      await library(
        `libnss_${service}.so.2`,
        says('hosts', 'and this glibc loads a library for each way to find a host'),
      );
    }
    await file('/etc/resolv.conf', says('hosts', 'and the name servers are read from it'));
    await file('/etc/hosts', says('hosts', 'and names in it need no name server'));
    if (libc !== undefined) await file('/etc/nsswitch.conf', says('hosts', 'and it says where names are looked for'));
  }
  if (callers.has('users')) {
    await file('/etc/passwd', says('users', 'and users are read from it'));
    await file('/etc/group', says('users', 'and groups are read from it'));
  }
  return suggestions;
}

/** The ways to find a host for which a glibc needs separate libraries. */
async function resolversOutside(libc: ClosureFile): Promise<string[]> {
  const has = await namesIn(libc, 'dynsym', new Set(Object.values(builtInResolvers)));
  return Object.entries(builtInResolvers).flatMap(([service, symbol]) => (has.get(symbol) === true ? [] : [service]));
}

/** For each need, its cause in words: `/usr/bin/node calls getaddrinfo`. */
async function findCallers(objects: readonly ClosureFile[]): Promise<Map<Need, string>> {
  const wanted = new Set<string>(Object.values(calls).flat());
  const callers = new Map<Need, string>();
  for (const object of objects) {
    const imported = new Set(await importsOf(object, wanted));
    for (const need of Object.keys(calls) as Need[]) {
      const called = calls[need].find((name) => imported.has(name));
      if (called !== undefined && !callers.has(need)) callers.set(need, `${object.path} calls ${called}`);
    }
  }
  return callers;
}

async function findIn(files: RootedFiles, dirs: readonly string[], name: string): Promise<ClosureFile | null> {
  for (const dir of dirs) {
    const found = await files.findFile(join(dir, name));
    if (found !== null) return found;
  }
  return null;
}
