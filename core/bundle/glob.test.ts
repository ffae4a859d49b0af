import { describe, expect, it } from 'vitest';
import { isGlobOf } from './glob.ts';

describe('a pattern', () => {
  it.each([
    ['**/*', 'a.ts'],
    ['**/*', 'a/b/c.ts'],
    ['src/**/*', 'src/a.ts'],
    ['src/**/*.ts', 'src/a/b.ts'],
    ['**/a/**/b.ts', 'x/a/a/y/b.ts'],
    ['**/a/b/*.ts', 'a/a/b/c.ts'],
    ['?.ts', 'a.ts'],
    ['*.test.*', 'a.b.test.ts'],
    ['../**/*', '../a/b.ts'],
    ['a+(b)/[c].ts', 'a+(b)/[c].ts'],
  ])('%s has %s', (pattern, path) => expect(isGlobOf(pattern, path)).toBe(true));

  it.each([
    ['*', 'a/b.ts'],
    ['src/**/*', 'src'],
    ['src/*.ts', 'src/a/b.ts'],
    ['?.ts', 'ab.ts'],
    ['a.ts', 'axts'],
    ['**/a/b.ts', 'a/c/b.ts'],
    ['*.ts', '.ts/x'],
  ])('%s has not %s', (pattern, path) => expect(isGlobOf(pattern, path)).toBe(false));

  it('with many wildcards is not tried in all ways', () => {
    expect(isGlobOf(`${'**/a/'.repeat(40)}b.ts`, `${'a/'.repeat(80)}c.ts`)).toBe(false);
    expect(isGlobOf(`${'*a'.repeat(40)}b`, 'a'.repeat(200))).toBe(false);
  });
});
