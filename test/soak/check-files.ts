import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, utimesSync } from 'node:fs';
import { basename, join } from 'node:path';

const isTemp = (name: string) => name.endsWith('.fl-tmp');

/** A name that ends in the first 16 digits of its content's sha256. Source: core/vmm/readable-copy.ts. */
const namedByContent = /-([0-9a-f]{16})\.elf$/;

/**
 * The incomplete files under final names in a home: a record that cannot be read, an image or a copy that is short.
 *
 * Shape: one line each. Temporary files are left out: a killed process leaves them, until a later one removes them.
 */
export function findHalfFiles(home: string): string[] {
  const found: string[] = [];
  for (const path of [...filesBelow(join(home, 'data')), ...filesBelow(join(home, 'cache'))]) {
    const name = basename(path);
    const digest = namedByContent.exec(name)?.[1];
    if (name.endsWith('.json') && !isJson(path)) found.push(`${path} is not whole JSON`);
    if (digest !== undefined && !sha256(path).startsWith(digest)) found.push(`${path} is not what its name says`);
    if (name === 'manifest.json' && path.includes('/cache/images/') && !isImageWhole(path)) {
      found.push(`the image of ${path} is not as long as that says`);
    }
  }
  return found;
}

/** Temporary files and folders in a home. Shape: paths. */
export function findTemps(home: string): string[] {
  const found: string[] = [];
  for (const root of ['data', 'cache', 'run', 'tmp', 'p'])
    walk(join(home, root), (path) => isTemp(path) && found.push(path));
  return found;
}

/** Makes temporary files old enough for a later start to remove, which keeps files that may still be written. */
export function ageTemps(home: string): void {
  const longAgo = new Date(Date.now() - 3_600_000);
  for (const path of findTemps(home)) if (existsSync(path)) utimesSync(path, longAgo, longAgo);
}

/** The names in a folder; empty when it does not exist. */
export const namesIn = (dir: string): string[] => (existsSync(dir) ? readdirSync(dir) : []);

/** The number of files in a home, except the recorded runs, which have a limit. */
export function countFiles(home: string): number {
  return ['data', 'cache', 'run', 'tmp'].reduce(
    (sum, root) => sum + filesBelow(join(home, root)).filter((path) => !path.includes('/data/runs/')).length,
    0,
  );
}

function filesBelow(dir: string): string[] {
  const files: string[] = [];
  walk(dir, (path, isFile) => {
    if (isFile) files.push(path);
    return isTemp(path);
  });
  return files;
}

/** Visits all below `dir`. It does not enter folders for which `visit` returns true. */
function walk(dir: string, visit: (path: string, isFile: boolean) => unknown): void {
  if (!existsSync(dir)) return;
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (!visit(path, entry.isFile()) && entry.isDirectory()) walk(path, visit);
  }
}

function isJson(path: string): boolean {
  try {
    JSON.parse(readFileSync(path, 'utf8'));
    return true;
  } catch (thrown) {
    // Removed since it was listed: this is not an incomplete file.
    if (thrown instanceof SyntaxError) return false;
    if (!existsSync(path)) return true;
    throw thrown;
  }
}

function isImageWhole(manifestPath: string): boolean {
  const image = join(manifestPath, '../image');
  const { bytes } = JSON.parse(readFileSync(manifestPath, 'utf8')) as { bytes: number };
  return existsSync(image) && statSync(image).size === bytes;
}

const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');
