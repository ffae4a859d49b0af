import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path/posix';
import { withFileSource } from './byte-source.ts';
import type { RootedFiles } from './rooted-files.ts';

/** The size limit: a list of directories has only a few lines. */
const maxFileBytes = 256 * 1024;
/** The limit for nested includes; ldconfig has no limit, and nested files are very rare. */
const maxDepth = 8;
const maxDirs = 1000;

/**
 * The directories that glibc's ldconfig searches, in order, from `/etc/ld.so.conf` and its included files.
 *
 * The cache that ldconfig writes is not read: it may be older than the files, and a root file system in preparation
 * has none.
 */
export async function readLdSoConf(files: RootedFiles): Promise<readonly string[]> {
  const dirs: string[] = [];
  await readConf(files, '/etc/ld.so.conf', dirs, 0);
  return [...new Set(dirs)].slice(0, maxDirs);
}

async function readConf(files: RootedFiles, path: string, dirs: string[], depth: number): Promise<void> {
  const text = await readText(files, path);
  if (text === null || depth > maxDepth) return;
  for (const raw of text.split('\n')) {
    if (dirs.length >= maxDirs) return;
    const line = raw.replace(/#.*/, '').trim();
    const [word = '', ...rest] = line.split(/\s+/);
    if (word === 'include') {
      for (const pattern of rest) {
        for (const found of await expand(files, join(dirname(path), pattern), pattern)) {
          await readConf(files, found, dirs, depth + 1);
        }
      }
    } else if (word.startsWith('/')) {
      // `dir=type` is the form that ldconfig accepted on old systems.
      dirs.push(...line.split(/[\s:,]+/).map((dir) => dir.replace(/=.*/, '').replace(/(?<=.)\/+$/, '')));
    }
  }
}

/** The text of a small file below the root; null when it does not exist. */
export async function readText(files: RootedFiles, path: string): Promise<string | null> {
  const found = await files.findFile(path);
  if (found === null) return null;
  return withFileSource(found.hostPath, async (source) => (await source.read(0, maxFileBytes)).toString('utf8'));
}

/** The files that an include names; wildcards are for the last part of a path. */
async function expand(files: RootedFiles, relative: string, pattern: string): Promise<string[]> {
  const path = pattern.startsWith('/') ? pattern : relative;
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (!/[*?]/.test(name)) return [path];
  const dir = await files.find(dirname(path));
  if (dir?.kind !== 'directory') return [];
  const names = await readdir(dir.hostPath).catch(() => []);
  return names
    .filter((entry) => matchesWildcard(name, entry) && !entry.startsWith('.'))
    .sort()
    .map((entry) => join(dirname(path), entry));
}

/** True when a name fits a pattern with `*` and `?`. Its time is at most the product of their lengths. */
function matchesWildcard(pattern: string, name: string): boolean {
  let at = 0;
  let into = 0;
  let starAt = -1;
  let resumeAt = 0;
  while (into < name.length) {
    if (pattern[at] === '*') {
      starAt = at++;
      resumeAt = into;
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === name[into])) {
      at++;
      into++;
    } else if (starAt !== -1) {
      at = starAt + 1;
      into = ++resumeAt;
    } else {
      return false;
    }
  }
  return /^\**$/.test(pattern.slice(at));
}
