import { expect, it } from 'vitest';
import { nextSort, sortRows } from './sort.ts';

it('sorts either way, and puts what is not known last', () => {
  const rows = [3, null, 1, 2];
  expect(sortRows(rows, (row) => row, true)).toEqual([1, 2, 3, null]);
  expect(sortRows(rows, (row) => row, false)).toEqual([3, 2, 1, null]);
});

it('turns the order round at the second click on a heading', () => {
  const once = nextSort({ by: 'when', ascending: false }, 'total');
  expect(once).toEqual({ by: 'total', ascending: true });
  expect(nextSort(once, 'total')).toEqual({ by: 'total', ascending: false });
});
