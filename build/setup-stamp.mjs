// Stamps: the inputs of a step, so that an unchanged step costs a few `stat` calls and no work.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Directories that are never inputs of a step. */
const skippedNames = new Set(['node_modules', 'dist', '.cache', '.git', 'test-results']);

/**
 * Lists every file under the given paths, which may be files, directories, or missing, in a stable order.
 *
 * @param {string} root
 * @param {string[]} paths
 * @param {{ ignore?: ((path: string) => boolean) | undefined }} options
 * @returns {Map<string, { size: number, mtimeMs: number }>} by path relative to `root`
 */
export function listFiles(root, paths, { ignore = () => false } = {}) {
  const found = new Map();
  const visit = (path) => {
    const stat = statSync(join(root, path), { throwIfNoEntry: false });
    if (!stat) return;
    if (stat.isDirectory()) {
      for (const name of readdirSync(join(root, path)).sort()) {
        if (!skippedNames.has(name)) visit(`${path}/${name}`);
      }
    } else if (!ignore(path)) {
      found.set(path, { size: stat.size, mtimeMs: stat.mtimeMs });
    }
  };
  for (const path of paths) visit(path);
  return found;
}

/**
 * Describes the present inputs. A file with the size and time of the `previous` stamp keeps that stamp's hash unread.
 *
 * Shape: `files` contains `[size, mtimeMs, sha256]` by path.
 *
 * @typedef {{ extra: string, files: Record<string, [number, number, string]> }} Stamp
 * @param {string} root
 * @param {string[]} paths
 * @param {{ extra?: string, ignore?: ((path: string) => boolean) | undefined, previous?: Stamp | undefined }} options
 * @returns {Stamp}
 */
export function takeStamp(root, paths, { extra = '', ignore, previous } = {}) {
  const files = {};
  for (const [path, { size, mtimeMs }] of listFiles(root, paths, { ignore })) {
    const known = previous?.files[path];
    const unchanged = known && known[0] === size && known[1] === mtimeMs;
    files[path] = [size, mtimeMs, unchanged ? known[2] : hashFile(join(root, path))];
  }
  return { extra, files };
}

/**
 * Whether two stamps stand for the same content, independent of the files' times.
 *
 * @param {Stamp | undefined} a
 * @param {Stamp | undefined} b
 */
export function sameContent(a, b) {
  if (!a || !b || a.extra !== b.extra) return false;
  const paths = Object.keys(a.files);
  return paths.length === Object.keys(b.files).length && paths.every((path) => a.files[path][2] === b.files[path]?.[2]);
}

/**
 * Names the first paths in which two stamps differ, as the reason why a step is done again.
 *
 * @param {Stamp | undefined} before
 * @param {Stamp} now
 */
export function describeChange(before, now) {
  if (!before) return 'not made yet';
  if (before.extra !== now.extra) return 'the tools changed';
  const paths = new Set([...Object.keys(before.files), ...Object.keys(now.files)]);
  const changed = [...paths].filter((path) => before.files[path]?.[2] !== now.files[path]?.[2]);
  if (changed.length === 0) return 'its output is gone';
  const rest = changed.length > 2 ? ` and ${changed.length - 2} more` : '';
  return `changed: ${changed.slice(0, 2).join(', ')}${rest}`;
}

/**
 * Reads the stamp in a file; undefined when there is no readable stamp.
 *
 * @param {string} path
 * @returns {Stamp | undefined}
 */
export function readStamp(path) {
  if (!existsSync(path)) return undefined;
  try {
    const stamp = JSON.parse(readFileSync(path, 'utf8'));
    return typeof stamp.files === 'object' ? stamp : undefined;
  } catch {
    // A stamp cut short by a crash or a full disk counts as none: the step is simply done again.
    return undefined;
  }
}

/** Writes a stamp whole or not at all. */
export function writeStamp(path, stamp) {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}`;
  try {
    writeFileSync(temporary, JSON.stringify(stamp));
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
}

function hashFile(path) {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}
