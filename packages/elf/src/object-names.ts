import { withFileSource } from './byte-source.ts';
import { readElfHeader } from './read-header.ts';
import { readSections } from './read-sections.ts';
import { findNames, symbolTables } from './read-symbols.ts';

/** A file's name for a person, and its path on this host. */
interface ObjectFile {
  readonly path: string;
  readonly hostPath: string;
}

/**
 * The members of `names` that a program or library defines (true) or imports (false).
 *
 * Errors: `invalid`. An empty answer may also mean that the symbols have been stripped.
 */
export async function namesIn(
  { path, hostPath }: ObjectFile,
  kind: 'symtab' | 'dynsym',
  names: ReadonlySet<string>,
): Promise<ReadonlyMap<string, boolean>> {
  return withFileSource(
    hostPath,
    async (source) => {
      const sections = await readSections(source, await readElfHeader(source));
      const table = symbolTables(source, sections).find((one) => one.kind === kind);
      return table === undefined ? new Map() : findNames(source, table, names);
    },
    path,
  );
}

/** The members of `names` that an object imports, in the order of `names`. */
export async function importsOf(file: ObjectFile, names: ReadonlySet<string>): Promise<readonly string[]> {
  const found = await namesIn(file, 'dynsym', names);
  return [...names].filter((name) => found.get(name) === false);
}

const libcNames =
  /^(libc|libpthread|libdl|librt|libm|libutil|libresolv|libanl|libnsl|libnss_\w+|ld-linux-x86-64|ld-musl-\w+)\.so(\.\d+)?$/;

/** True for the name of a library that is a part of the C library. */
export const isPartOfLibc = (path: string): boolean => libcNames.test(path.slice(path.lastIndexOf('/') + 1));
