/** The files of one project, for the editor. */
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { escapes, relativePath, resolveInside } from '#core/config/project-paths.ts';
import { sha256 } from '#core/store/digest.ts';
import { FirstlightError } from '#shared/errors.ts';
import { configFileName, type ProjectFile } from '#shared/model/project.ts';
import { withProcessLock } from '../store/process-lock.ts';
import { readRegularFile } from '../store/read-regular-file.ts';
import { systemCode, toFileError } from '../store/store-error.ts';
import { isTempName, undefinedIfMissing, writeAtomic } from '../store/write-atomic.ts';

/** The size above which no editor works well. */
const maxTextBytes = 4 << 20;
const maxListed = 5_000;
const maxDepth = 12;
const hidden = new Set(['node_modules', '.git', '.firstlight', '.DS_Store']);

/** True for names that neither lists nor watchers look at. */
export const isHiddenName = (name: string): boolean => hidden.has(name) || isTempName(name);

/** The id of a file's content: the sha256 of its bytes. */
export const revisionOf = (bytes: string | Uint8Array): string => sha256(bytes);

/**
 * The revision of a file's present content; null when there is no file.
 *
 * Shape: for a file too large for the editor its size and time, since a growing log must not be read whole at each
 * change.
 */
export async function revisionAt(path: string): Promise<string | null> {
  const found = await stat(path).catch(undefinedIfMissing);
  if (!found?.isFile()) return null;
  if (found.size > maxTextBytes) return revisionOf(`${found.size} ${found.mtimeMs}`);
  const bytes = await readRegularFile(path, maxTextBytes);
  return bytes === undefined ? null : revisionOf(bytes);
}

/**
 * Files and folders, folders before their content, at most 5,000. A folder of the project that the system does not let
 * this user read is listed without its content.
 *
 * Errors: those of the system for the project's own folder.
 */
export async function listFiles(root: string): Promise<ProjectFile[]> {
  const found: ProjectFile[] = [];
  async function walk(dir: string, depth: number): Promise<void> {
    const reading = readdir(dir, { withFileTypes: true });
    const entries = (await reading.catch(depth === 0 ? undefinedIfMissing : undefinedIfBarred)) ?? [];
    const isFolder = new Map(entries.map((entry) => [entry.name, entry.isDirectory()]));
    entries.sort((a, b) => Number(b.isDirectory()) - Number(a.isDirectory()) || a.name.localeCompare(b.name));
    for (const { name } of entries) {
      if (found.length >= maxListed) return;
      if (isHiddenName(name)) continue;
      const path = join(dir, name);
      if (isFolder.get(name)) {
        found.push({ path: relativePath(root, path), kind: 'folder', bytes: 0 });
        if (depth < maxDepth) await walk(path, depth + 1);
        continue;
      }
      // A link is listed as its target file; a link to a folder, to the outside or to nothing is skipped.
      const real = await resolveInside(root, relativePath(root, path)).catch(escapeAsUndefined);
      const stats = real === undefined ? undefined : await stat(real).catch(undefinedIfBarred);
      if (stats?.isFile()) found.push({ path: relativePath(root, path), kind: 'file', bytes: stats.size });
    }
  }
  await walk(root, 0);
  return found;
}

function escapeAsUndefined(thrown: unknown): undefined {
  if (thrown instanceof FirstlightError && thrown.code === 'PATH_ESCAPES') return undefined;
  return undefinedIfBarred(thrown);
}

/** The system refuses a path itself, for this user or for anybody; others beside it can be used. */
const barredCodes = new Set(['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ELOOP', 'ENAMETOOLONG']);

/** True for a path that cannot be used by this user, where others beside it can. */
export const isBarred = (thrown: unknown): boolean => barredCodes.has(systemCode(thrown) ?? '');

function undefinedIfBarred(thrown: unknown): undefined {
  if (!isBarred(thrown)) throw thrown;
}

/** Errors: NOT_FOUND; BAD_INPUT for a folder, a large or a binary file; PATH_ESCAPES. */
export async function readText(root: string, path: string): Promise<{ path: string; text: string; revision: string }> {
  const real = await resolveInside(root, path);
  const stats = await stat(real).catch(undefinedIfMissing);
  if (stats === undefined) throw noSuchFile(path);
  if (stats.isDirectory()) throw new FirstlightError('BAD_INPUT', `${path} is a folder, not a file.`);
  if (stats.size > maxTextBytes) {
    throw new FirstlightError('BAD_INPUT', `${path} is too large to edit here: ${stats.size} bytes.`, {
      hint: `The editor opens files up to ${maxTextBytes} bytes. Larger ones can still be imported by the function.`,
    });
  }
  const bytes = await readRegularFile(real, maxTextBytes);
  if (bytes === undefined) throw noSuchFile(path);
  let text: string;
  try {
    if (bytes.includes(0)) throw new TypeError('It holds a zero byte.');
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new FirstlightError('BAD_INPUT', `${path} is not text in UTF-8.`, {
      cause,
      hint: 'Binary files can be imported by the function, not edited here.',
    });
  }
  return { path, text, revision: revisionOf(bytes) };
}

/**
 * Writes a file and returns its new revision.
 *
 * Errors: CONFLICT when the file on disk is not `baseRevision`; NOT_FOUND; PATH_ESCAPES; DISK_FULL.
 */
export async function writeText(
  root: string,
  path: string,
  text: string,
  baseRevision: string | null,
): Promise<string> {
  const real = await resolveInside(root, path);
  // Comparing and replacing are one step across all processes: of two that read the same revision, one writes.
  return await withProcessLock(real, async () => {
    const before = await readRegularFile(real, maxTextBytes);
    if (baseRevision !== null && (before === undefined || revisionOf(before) !== baseRevision)) {
      const what = before === undefined ? 'was deleted' : 'was changed by another program';
      throw new FirstlightError('CONFLICT', `${path} ${what} since it was read.`, {
        hint: 'Look at what is on disk, then save again to replace it.',
        details: { subject: path },
      });
    }
    const mode = before === undefined ? 0o644 : (await stat(real)).mode & 0o777;
    await makeParent(real);
    await writeAtomic(real, text, { mode, foreign: true });
    return revisionOf(text);
  });
}

/** Creates a file and returns its revision. Errors: ALREADY_EXISTS, PATH_ESCAPES, DISK_FULL. */
export async function createText(root: string, path: string, text: string): Promise<string> {
  const real = await resolveInside(root, path);
  return await withProcessLock(real, async () => {
    if ((await stat(real).catch(undefinedIfMissing)) !== undefined) throw alreadyExists(path);
    await makeParent(real);
    await writeAtomic(real, text, { mode: 0o644, foreign: true });
    return revisionOf(text);
  });
}

/** Errors: NOT_FOUND, ALREADY_EXISTS, PATH_ESCAPES. */
export async function renamePath(root: string, path: string, to: string): Promise<void> {
  const from = await resolveInside(root, path);
  const target = await resolveInside(root, to);
  if ((await stat(from).catch(undefinedIfMissing)) === undefined) throw noSuchFile(path);
  if ((await stat(target).catch(undefinedIfMissing)) !== undefined) throw alreadyExists(to);
  await makeParent(target);
  try {
    await rename(from, target);
  } catch (thrown) {
    throw toFileError(thrown, `rename ${path} to`, target);
  }
}

/** Removes a file, or a folder with its content. Errors: NOT_FOUND, PATH_ESCAPES. */
export async function deletePath(root: string, path: string): Promise<void> {
  // The link itself is removed, not its target: only its folder must be inside the project.
  const parent = dirname(path) === '.' ? root : await resolveInside(root, dirname(path));
  const target = join(parent, basename(path));
  if (dirname(target) !== parent) throw escapes(path);
  try {
    await rm(target, { recursive: true });
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') throw noSuchFile(path);
    throw toFileError(thrown, 'delete', target);
  }
}

async function makeParent(path: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
  } catch (thrown) {
    throw toFileError(thrown, 'make the folder', dirname(path));
  }
}

const noSuchFile = (path: string) =>
  new FirstlightError('NOT_FOUND', `There is no file ${path} in the project.`, { details: { subject: path } });

const alreadyExists = (path: string) =>
  new FirstlightError('ALREADY_EXISTS', `${path} exists already.`, {
    hint: 'Choose another name, or delete it first.',
    details: { subject: path },
  });

/** True when a change of this path can change the project's description. */
export const isConfigPath = (path: string): boolean => path === configFileName;
