import { chmod, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listFiles } from './project-files.ts';
import { searchFiles } from './search-files.ts';

let dir: string;
beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'fl-files-')));
  await chmod(dir, 0o755);
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** Runs without root's right to read everything. */
async function asNobody(run: () => Promise<void>): Promise<void> {
  const isRoot = process.getuid?.() === 0;
  if (isRoot) process.seteuid?.(65_534);
  try {
    await run();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

describe('files that this user may not read', () => {
  it('are no hindrance to the list of the others, nor to a search in them', async () => {
    await mkdir(join(dir, 'locked'));
    await writeFile(join(dir, 'locked/a.ts'), 'wanted');
    await symlink('locked/a.ts', join(dir, 'link.ts'));
    await writeFile(join(dir, 'secret.ts'), 'wanted');
    await writeFile(join(dir, 'seen.ts'), 'wanted');
    await chmod(join(dir, 'locked'), 0);
    await chmod(join(dir, 'secret.ts'), 0);
    await asNobody(async () => {
      expect((await listFiles(dir)).map(({ path }) => path)).toEqual(['locked', 'secret.ts', 'seen.ts']);
      const { signal } = new AbortController();
      const found = await searchFiles(dir, 'wanted', { matchCase: false, signal });
      expect(found.matches.map(({ path }) => path)).toEqual(['seen.ts']);
    });
    await chmod(join(dir, 'locked'), 0o755);
  });

  it('are told of when they are the project itself', async () => {
    await chmod(dir, 0);
    await asNobody(async () => {
      await expect(listFiles(dir)).rejects.toMatchObject({ code: 'EACCES' });
    });
    await chmod(dir, 0o755);
  });
});
