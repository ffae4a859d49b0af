import { expect, it } from 'vitest';
import { searchText } from './search-text.ts';

const find = (text: string, wanted: string, matchCase = false, limit = 100) =>
  searchText('a.ts', text, wanted, { matchCase, limit }).map(({ line, column, length }) => [line, column, length]);

it('finds every place, whatever the case, unless that is asked for', () => {
  expect(find('Hello\nhello hello', 'hello')).toEqual([
    [1, 1, 5],
    [2, 1, 5],
    [2, 7, 5],
  ]);
  expect(find('Hello\nhello', 'hello', true)).toEqual([[2, 1, 5]]);
});

it('takes the text as it is, not as a pattern', () => {
  expect(find('a.b axb (a.b)', 'a.b')).toEqual([
    [1, 1, 3],
    [1, 10, 3],
  ]);
  expect(find('x[0]', '[0]')).toEqual([[1, 2, 3]]);
});

it('finds no more than the limit, and shows the part of a long line around the match', () => {
  expect(find('a a a a', 'a', false, 2)).toHaveLength(2);
  const [match] = searchText('a.ts', `${'x'.repeat(1_000)}needle${'y'.repeat(1_000)}`, 'needle', {
    matchCase: true,
    limit: 1,
  });
  expect(match?.text).toHaveLength(240);
  expect(match?.text.indexOf('needle')).toBe((match?.column ?? 0) - (match?.textColumn ?? 0));
});
