import { expect, test } from 'vitest';
import { diffLines } from './line-diff.ts';

const lines = (count: number) => Array.from({ length: count }, (_, index) => `line ${index + 1}`);
const text = (all: readonly string[]) => all.map((line) => `${line}\n`).join('');

test('equal texts have no differences', () => {
  expect(diffLines('a\nb\n', 'a\nb\n')).toEqual([]);
});

test('changes far apart are hunks of their own, with three lines of context', () => {
  const before = lines(20);
  const after = before.with(1, 'second').with(18, 'nineteenth');
  expect(diffLines(text(before), text(after))).toEqual([
    '@@ -1,5 +1,5 @@',
    ' line 1',
    '-line 2',
    '+second',
    ' line 3',
    ' line 4',
    ' line 5',
    '@@ -16,5 +16,5 @@',
    ' line 16',
    ' line 17',
    ' line 18',
    '-line 19',
    '+nineteenth',
    ' line 20',
  ]);
});

test('a text from nothing, and one that becomes nothing', () => {
  expect(diffLines('', 'a\n')).toEqual(['@@ -0,0 +1,1 @@', '+a']);
  expect(diffLines('a\n', '')).toEqual(['@@ -1,1 +0,0 @@', '-a']);
});
