import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { workingDir } from './io.ts';

const before = process.cwd();
afterEach(() => process.chdir(before));

it.each([
  ['the folder that the shell names', 'the folder', true],
  ['the root where the shell names none', '', false],
  ['the root where the shell names no path', 'not/absolute', false],
])('a command that is called in a folder that has been deleted runs in %s', (_, pwd, isNamed) => {
  const dir = mkdtempSync(join(tmpdir(), 'fl-gone-'));
  process.chdir(dir);
  expect(workingDir({ PWD: '/elsewhere' })).toBe(process.cwd());
  rmdirSync(dir);
  // Node.js keeps the folder that it was last asked for until it changes.
  process.chdir('.');
  expect(() => process.cwd()).toThrow();
  expect(workingDir({ PWD: isNamed ? dir : pwd })).toBe(isNamed ? dir : '/');
  // Libraries ask, too.
  expect(process.cwd()).toBe('/');
});
