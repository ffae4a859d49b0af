import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';

/** Files of git that are read here are a line each, but for `packed-refs`. */
const maxBytes = 1 << 20;
const commitPattern = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;

/**
 * The commit that is checked out where `dir` lies; null outside of a repository, before its first commit, or when its
 * files cannot be read. Git itself is not run: it may be absent, and it executes the programs that a repository's
 * configuration names.
 *
 * Source: gitrepository-layout(5).
 */
export async function findCommit(dir: string): Promise<string | null> {
  const gitDir = await findGitDir(dir);
  if (gitDir === null) return null;
  const head = (await readSmall(join(gitDir, 'HEAD')))?.trim() ?? '';
  const ref = /^ref: (refs\/[^\s]+)$/.exec(head)?.[1];
  if (ref === undefined) return commitPattern.test(head) ? head : null;
  if (ref.split('/').includes('..')) return null;
  // The refs of a linked work tree are those of the repository that it belongs to.
  const common = (await readSmall(join(gitDir, 'commondir')))?.trim();
  const commonDir = common === undefined ? gitDir : isAbsolute(common) ? common : join(gitDir, common);
  for (const place of [gitDir, commonDir]) {
    const loose = (await readSmall(join(place, ref)))?.trim();
    if (loose !== undefined && commitPattern.test(loose)) return loose;
  }
  const packed = (await readSmall(join(commonDir, 'packed-refs'))) ?? '';
  const line = packed.split('\n').find((one) => one.endsWith(` ${ref}`));
  const commit = line?.split(' ')[0];
  return commit !== undefined && commitPattern.test(commit) ? commit : null;
}

/** The repository's own folder: `.git`, or the target of a file of that name. */
async function findGitDir(from: string): Promise<string | null> {
  for (let dir = from; ; dir = dirname(dir)) {
    const dotGit = join(dir, '.git');
    if ((await readSmall(join(dotGit, 'HEAD'))) !== undefined) return dotGit;
    const target = /^gitdir: (.+)$/m.exec((await readSmall(dotGit)) ?? '')?.[1];
    if (target !== undefined) return isAbsolute(target) ? target : join(dir, target);
    if (dir === dirname(dir)) return null;
  }
}

/** The text of a regular file of reasonable size; undefined for anything else. Never waits, as a FIFO would make it. */
async function readSmall(path: string): Promise<string | undefined> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stats = await file.stat();
      return stats.isFile() && stats.size <= maxBytes ? await file.readFile('utf8') : undefined;
    } finally {
      await file.close();
    }
  } catch {
    // A commit is an extra of a run's record: any failure to read it counts as none.
    return undefined;
  }
}
