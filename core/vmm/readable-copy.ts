import { readFile, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { sha256 } from '#core/store/digest.ts';
import { type Layout, readableFileMode } from '#core/store/layout.ts';
import { undefinedIfMissing, writeAtomic } from '#core/store/write-atomic.ts';
import { FirstlightError } from '#shared/errors.ts';

/**
 * A copy of a file that ships with Firstlight, where QEMU's user may read it, unlike in a person's own folders.
 *
 * Shape: an absolute path, named by the content. Errors: KERNEL_MISSING, STORE_UNUSABLE.
 */
export async function makeReadableCopy(layout: Layout, source: string): Promise<string> {
  const bytes = await readFile(source).catch((cause: unknown) => {
    throw new FirstlightError('KERNEL_MISSING', `A part of Firstlight is not at ${source}.`, {
      hint: 'Run `npm start`, which builds it.',
      details: { subject: source },
      cause,
    });
  });
  const extension = extname(source);
  const digest = sha256(bytes).slice(0, 16);
  const path = join(await layout.ensure(layout.kernelsDir), `${basename(source, extension)}-${digest}${extension}`);
  if ((await stat(path).catch(undefinedIfMissing)) === undefined) {
    await writeAtomic(path, bytes, { mode: readableFileMode });
  }
  return path;
}
