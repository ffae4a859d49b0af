import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSource } from './read-source.ts';

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fl-source-'));
  path = join(dir, 'a.ts');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));
const settle = () => new Promise((resolve) => setTimeout(resolve, 30));

describe('the text of a source', () => {
  it('is that of the file now, also when its time and size are as before', async () => {
    writeFileSync(path, 'one');
    await settle();
    expect(await readSource(path)).toBe('one');
    expect(await readSource(path)).toBe('one');
    const { atime, mtime } = statSync(path);
    writeFileSync(path, 'two');
    utimesSync(path, atime, mtime);
    expect(await readSource(path)).toBe('two');
    rmSync(path);
    expect(await readSource(path)).toBeUndefined();
  });

  it('is refused for a pipe, without waiting for a writer', async () => {
    execFileSync('mkfifo', [path]);
    await expect(readSource(path)).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: `${path} is a pipe, not a file.`,
    });
  });
});
