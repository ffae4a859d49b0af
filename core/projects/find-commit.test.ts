import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findCommit } from './find-commit.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fl-commit-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const git = (cwd: string, ...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', '-c', 'init.defaultBranch=main', ...args], {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' },
  }).trim();
const head = (cwd: string) => git(cwd, 'rev-parse', 'HEAD');

describe('the commit around a folder', () => {
  it('is that of its branch, loose or packed, of a detached head, and of a linked work tree', async () => {
    const repository = join(dir, 'repository');
    const inner = join(repository, 'a/b');
    await mkdir(inner, { recursive: true });
    git(repository, 'init');
    expect(await findCommit(inner)).toBeNull();
    git(repository, 'commit', '--allow-empty', '-m', 'one');
    expect(await findCommit(inner)).toBe(head(repository));
    git(repository, 'pack-refs', '--all');
    expect(await findCommit(inner)).toBe(head(repository));
    git(repository, 'checkout', '--detach');
    expect(await findCommit(inner)).toBe(head(repository));
    git(repository, 'worktree', 'add', '-b', 'other', join(dir, 'linked'));
    git(join(dir, 'linked'), 'commit', '--allow-empty', '-m', 'two');
    expect(await findCommit(join(dir, 'linked'))).toBe(head(join(dir, 'linked')));
  });

  it('is none where there is no repository, or one that cannot be read', async () => {
    expect(await findCommit(dir)).toBeNull();
    await mkdir(join(dir, '.git'));
    execFileSync('mkfifo', [join(dir, '.git/HEAD')]);
    expect(await findCommit(dir)).toBeNull();
    await rm(join(dir, '.git/HEAD'));
    for (const text of ['', 'ref: refs/heads/../../../secret', 'no commit', 'ref: refs/heads/absent']) {
      await writeFile(join(dir, '.git/HEAD'), text);
      expect(await findCommit(dir)).toBeNull();
    }
  });
});
