/** Adds files and folders of this machine to an image. */
import { readdir, readlink, realpath, stat } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import type { FileTreeBuilder } from '@firstlight/files';
import { undefinedIfMissing } from '#core/store/write-atomic.ts';
import { FirstlightError, type Problem } from '#shared/errors.ts';
import { configFileName } from '#shared/model/project.ts';

/** True for the name of a file or folder that is left out. */
export type Skip = (name: string) => boolean;

const nothing: Skip = () => false;
/** Skips the bytecode that Python compiled on this machine. */
export const skipCompiled: Skip = (name) => name === '__pycache__';
/** Skips the files in a project's folder that are not part of its program. */
export const skipTools: Skip = (name) =>
  name.startsWith('.') || name === 'node_modules' || name === configFileName || skipCompiled(name);

/**
 * Adds a file, or a folder with its content. Links inside a folder stay links.
 *
 * Errors: NOT_FOUND; BAD_INPUT for anything other than a file, folder or link.
 */
export async function addHostPath(
  builder: FileTreeBuilder,
  guest: string,
  host: string,
  skip: Skip = nothing,
): Promise<void> {
  const stats = await stat(host).catch(undefinedIfMissing);
  if (stats === undefined) {
    throw new FirstlightError('NOT_FOUND', `${host} does not exist.`, { details: { subject: host } });
  }
  if (stats.isFile()) {
    builder.add(guest, { kind: 'file', content: { kind: 'host', path: host }, bytes: stats.size });
    return;
  }
  if (!stats.isDirectory()) {
    throw new FirstlightError('BAD_INPUT', `${host} is neither a file nor a folder.`, { details: { subject: host } });
  }
  builder.add(guest, { kind: 'directory' });
  for (const entry of await readdir(host, { withFileTypes: true })) {
    if (skip(entry.name)) continue;
    const [inner, path] = [`${guest}/${entry.name}`, join(host, entry.name)];
    if (entry.isSymbolicLink()) builder.add(inner, { kind: 'symlink', target: await readlink(path) });
    else await addHostPath(builder, inner, path, skip);
  }
}

/** Adds the entries of "files". Shape: a warning for each path that lies outside the project. */
export async function addNamedFiles(
  builder: FileTreeBuilder,
  files: Readonly<Record<string, string>>,
  projectDir: string,
): Promise<Problem[]> {
  const warnings: Problem[] = [];
  const inside = await realpath(projectDir);
  for (const [guest, named] of Object.entries(files)) {
    const host = resolve(projectDir, named);
    await addHostPath(builder, guest, host);
    const real = await realpath(host);
    if (real === inside || real.startsWith(inside + sep)) continue;
    const message = `"files" takes ${host} into the image, which lies outside the project.`;
    warnings.push({ severity: 'warning', message, file: 'firstlight.json' });
  }
  return warnings;
}
