/** Adds the files beside a function's bundle to an image, with the libraries that native addons among them need. */
import { stat } from 'node:fs/promises';
import { addClosureFile, resolveClosure } from '@firstlight/elf';
import type { FileTreeBuilder } from '@firstlight/files';
import type { BundleFile } from '#core/runtime/bundle.ts';
import { undefinedIfMissing } from '#core/store/write-atomic.ts';
import { FirstlightError, type Problem } from '#shared/errors.ts';

/**
 * `program` loads the addons. Shape: a warning for each library that an addon needs and that this machine lacks.
 * Errors: NOT_FOUND.
 */
export async function addBeside(
  builder: FileTreeBuilder,
  files: readonly BundleFile[],
  program: string,
): Promise<Problem[]> {
  const addons: string[] = [];
  for (const { guest, host, code, link } of files) {
    if (host === undefined) {
      builder.add(guest, { kind: 'symlink', target: link });
      continue;
    }
    if (code !== undefined) {
      const data = Buffer.from(code);
      builder.add(guest, { kind: 'file', content: { kind: 'bytes', data }, bytes: data.length });
      continue;
    }
    const stats = await stat(host).catch(undefinedIfMissing);
    if (stats === undefined)
      throw new FirstlightError('NOT_FOUND', `${host} is gone. Build again.`, { details: { subject: host } });
    builder.add(guest, { kind: 'file', content: { kind: 'host', path: host }, bytes: stats.size });
    if (/\.node$/.test(host) && !/musl/.test(host)) addons.push(host);
  }
  return addons.length === 0
    ? []
    : await addLibraries(builder, addons, new Set(files.map(({ host }) => host)), program);
}

/** The libraries that addons load, without those of the program itself and those beside the addons. */
async function addLibraries(
  builder: FileTreeBuilder,
  addons: readonly string[],
  beside: ReadonlySet<string | undefined>,
  program: string,
): Promise<Problem[]> {
  const [own, all] = await Promise.all([resolveClosure(program), resolveClosure(program, { loads: addons })]);
  const has = new Set(own.libraries.map(({ realPath }) => realPath));
  for (const library of all.libraries) {
    const isThere = has.has(library.realPath) || beside.has(library.hostPath) || addons.includes(library.hostPath);
    if (!isThere) addClosureFile(builder, library);
  }
  const lacking = all.missing.filter(({ name }) => !own.missing.some((other) => other.name === name));
  return lacking.map(({ name, neededBy }) => ({
    severity: 'warning',
    message: `${neededBy.join(', ')} needs ${name}, which this machine lacks. Install the Debian package that has it, or name the file in "files".`,
  }));
}
