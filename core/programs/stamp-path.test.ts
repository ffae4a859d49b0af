import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stampOfPath } from './stamp-path.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fl-stamp-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe('the stamp of a folder', () => {
  it('changes with a file behind a link, and is empty for what is missing', async () => {
    await mkdir(join(dir, 'a/b'), { recursive: true });
    await symlink('a/b', join(dir, 'link'));
    const before = await stampOfPath(join(dir, 'link'));
    await writeFile(join(dir, 'a/b/c'), 'new');
    expect(await stampOfPath(join(dir, 'link'))).not.toBe(before);
    expect(await stampOfPath(join(dir, 'none'))).toBe('');
  });

  it('is found in one pass where links lead back to it', async () => {
    // Two links in each of several folders: to follow them all is exponential.
    for (const name of ['a', 'b', 'c']) {
      await mkdir(join(dir, name));
      for (const to of ['a', 'b', 'c']) await symlink(`../${to}`, join(dir, name, `to-${to}`));
    }
    expect((await stampOfPath(dir)).length).toBeLessThan(1_000);
    expect(await stampOfPath(dir)).toBe(await stampOfPath(dir));
  });

  it('of a link to itself is refused by name', async () => {
    await symlink('self', join(dir, 'self'));
    await expect(stampOfPath(dir)).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringContaining('self'),
    });
  });
});
