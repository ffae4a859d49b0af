import { realpath } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { sha256 } from '#core/store/digest.ts';
import { undefinedIfMissing } from '#core/store/write-atomic.ts';
import { FirstlightError } from '#shared/errors.ts';
import { type ProjectId, projectIdSchema } from '#shared/model/units.ts';

/** The id of the project in a directory. Shape: `dir` without symbolic links. */
export function projectIdOf(dir: string): ProjectId {
  return projectIdSchema.parse(sha256(dir).slice(0, 12));
}

/**
 * The real place of a path inside a project, which need not exist yet.
 *
 * Errors: PATH_ESCAPES when it, or a symbolic link on the way to it, leads out of the project.
 */
export async function resolveInside(root: string, path: string): Promise<string> {
  const wanted = join(root, path);
  if (!isInside(root, wanted) || wanted === root) throw escapes(path);
  const missing: string[] = [];
  for (let at = wanted; ; at = dirname(at)) {
    const real = await realpath(at).catch(undefinedIfMissing);
    if (real !== undefined) {
      if (!isInside(root, real)) throw escapes(path);
      return join(real, ...missing);
    }
    if (at === root) throw escapes(path);
    missing.unshift(basename(at));
  }
}

/** A path as the contract writes it: relative to the project, with `/`. */
export function relativePath(root: string, absolute: string): string {
  return relative(root, absolute).split(sep).join('/');
}

/** True for a path that is `root` or lies in it. Shape: both without `..`. */
export function isInside(root: string, path: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);
}

/** PATH_ESCAPES for a path inside a project. */
export const escapes = (path: string) =>
  new FirstlightError('PATH_ESCAPES', `${path} leads out of the project.`, {
    hint: 'Open the folder that holds the file as a project of its own.',
    details: { subject: path },
  });
