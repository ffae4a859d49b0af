import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { z } from 'zod';
import { readJson } from './read-json.ts';
import { readRegularFile } from './read-regular-file.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fl-regular-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

it('reads a file, and undefined where there is none', async () => {
  writeFileSync(join(dir, 'a'), 'text');
  expect((await readRegularFile(join(dir, 'a'), 4))?.toString()).toBe('text');
  expect(await readRegularFile(join(dir, 'b'), 4)).toBeUndefined();
});

it.each([
  ['a folder', (path: string) => mkdirSync(path), 'is a folder, not a file'],
  ['a pipe that nobody writes to', (path: string) => execFileSync('mkfifo', [path]), 'is a pipe, not a file'],
  ['a link to a device that never ends', (path: string) => symlinkSync('/dev/zero', path), 'is a device, not a file'],
  ['a link to itself', (path: string) => symlinkSync(path, path), 'leads to itself'],
  ['a file beyond the bound', (path: string) => writeFileSync(path, 'x'.repeat(11)), 'at most 10 bytes'],
])('refuses %s at once', async (_, make, words) => {
  const path = join(dir, 'it');
  make(path);
  await expect(readRegularFile(path, 10)).rejects.toMatchObject({
    code: 'BAD_INPUT',
    message: expect.stringContaining(words),
  });
});

it('a file of ours that is a pipe is an error, not a wait', async () => {
  execFileSync('mkfifo', [join(dir, 'settings.json')]);
  await expect(readJson(join(dir, 'settings.json'), z.unknown())).rejects.toMatchObject({ code: 'BAD_INPUT' });
});
