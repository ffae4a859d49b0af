import type { FileTreeBuilder } from '@firstlight/files';
import { addHostPath } from '#core/programs/add-files.ts';
import { FirstlightError } from '#shared/errors.ts';

/** Adds kernel libraries of a release. Errors: BAD_INPUT, with the list of those in the release. */
export async function addKlibs(
  builder: FileTreeBuilder,
  names: readonly string[],
  release: { readonly version: string; readonly klibs: ReadonlyMap<string, string> },
): Promise<void> {
  for (const name of names) {
    const path = release.klibs.get(name);
    if (path === undefined) {
      throw new FirstlightError('BAD_INPUT', `Nanos ${release.version} has no klib ${name}.`, {
        hint: `It has ${[...release.klibs.keys()].sort().join(', ') || 'none'}.`,
        details: { subject: name },
      });
    }
    await addHostPath(builder, `/klib/${name}`, path);
  }
}
