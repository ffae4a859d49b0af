import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toFirstlightError } from './from-format-error.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fl-system-'));
});
afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

const failure = async (work: Promise<unknown>) =>
  toFirstlightError(
    await work.then(
      () => undefined,
      (thrown: unknown) => thrown,
    ),
  );

describe('an error of the system that nobody expected', () => {
  it.each<[string, (dir: string) => Promise<unknown>, string]>([
    ['a name that is too long', (at) => readdir(join(at, 'a'.repeat(300))), 'a name in it is too long'],
    ['a zero byte', (at) => stat(join(at, 'a\0b')), 'A path has no zero byte.'],
    ['a file for a folder', (at) => readdir(join(at, 'file/x')), 'a part of it is a file, not a folder'],
    ['a link to itself', (at) => readFile(join(at, 'loop')), 'links in it lead to each other'],
  ])('is bad input: %s', async (_, work, words) => {
    await writeFile(join(dir, 'file'), '');
    await symlink('loop', join(dir, 'loop'));
    const error = await failure(work(dir));
    expect(error).toMatchObject({ code: 'BAD_INPUT', message: expect.stringContaining(words) });
    expect(error.message.length).toBeLessThan(250);
  });

  it('says that a file may not be read', async () => {
    const path = join(dir, 'secret');
    await writeFile(path, '', { mode: 0o600 });
    await chmod(dir, 0o755);
    const uid = process.geteuid?.() ?? 0;
    if (uid === 0) process.seteuid?.(65_534);
    else await chmod(path, 0);
    try {
      const error = await failure(readFile(path));
      expect(error).toMatchObject({ code: 'STORE_UNUSABLE', hint: expect.stringContaining('the right to read') });
      expect(error.message).toContain(path);
    } finally {
      if (uid === 0) process.seteuid?.(uid);
    }
  });

  it('stays a defect of ours where it names no path', () => {
    expect(toFirstlightError(new TypeError('x is not a function')).code).toBe('INTERNAL');
  });
});
