import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { ImageRef } from '#shared/contract/images.ts';
import { FirstlightError } from '#shared/errors.ts';
import { withProject } from './find.ts';
import type { Session } from './session.ts';

/** The least length of an id prefix: a shorter one would be a guess. */
const minPrefix = 4;

/**
 * The named image: a file, a project (which is built if needed), or an id or a prefix of one.
 *
 * Errors: NOT_FOUND with the existing images; as `builds:build` for a project.
 */
export async function findImage(session: Session, name: string): Promise<ImageRef> {
  const path = resolve(session.io.cwd, name);
  const found = await stat(path).catch(() => null);
  if (found?.isDirectory()) {
    const { image } = await withProject(session, name, ({ id }) => session.call('builds:build', { projectId: id }));
    return { imageId: image.id };
  }
  if (found !== null) return { path };
  const images = await session.call('images:list', {});
  const matches = name.length < minPrefix ? [] : images.filter(({ id }) => id.startsWith(name));
  const [only] = matches;
  if (only !== undefined && matches.length === 1) return { imageId: only.id };
  const known = images.map(({ id, functionName }) => `${id.slice(0, 12)}${functionName ? ` (${functionName})` : ''}`);
  throw new FirstlightError('NOT_FOUND', `There is no image "${name}": no such file, project, or id of an image.`, {
    hint:
      known.length > 0 ? `Built images: ${known.slice(0, 10).join(', ')}` : 'Build one with: firstlight build <dir>',
    details: { subject: name },
  });
}
