import { expect, it } from 'vitest';
import {
  checkShares,
  describeShares,
  listShareRows,
  presentShares,
  type ShareOf,
  typedFrom,
} from './traffic-shares.ts';

const typed = (...shares: (readonly [ShareOf, string])[]) => new Map<ShareOf, string>(shares);

it('keeps the share of the newest apart from that of the revision that is the newest now', () => {
  const present = presentShares({
    traffic: [
      { revision: 3, percent: 20, isLatest: true },
      { revision: 3, percent: 30, isLatest: false },
      { revision: 1, percent: 45, isLatest: false },
      { revision: 0, percent: 5, isLatest: false },
    ],
  });
  expect([...present]).toEqual([
    ['latest', 20],
    [3, 30],
    [1, 45],
  ]);
  const rows = listShareRows(present, [{ revision: 3 }, { revision: 2 }]);
  expect(rows).toEqual(['latest', 3, 2, 1]);
  expect([...typedFrom(present, rows).values()]).toEqual(['20', '30', '', '45']);
});

it('sends the rows with a share, and the newest as such', () => {
  expect(checkShares(typed(['latest', '20'], [3, ''], [2, '0'], [1, ' 80 ']))).toEqual({
    changes: [
      { revision: 'latest', percent: 20 },
      { revision: 1, percent: 80 },
    ],
    problem: null,
  });
});

it('refuses what is no split, with the reason', () => {
  const problemOf = (...shares: (readonly [ShareOf, string])[]) => {
    const { changes, problem } = checkShares(typed(...shares));
    expect(changes).toBeNull();
    return problem;
  };
  expect(problemOf(['latest', '60'], [1, '30'])).toBe('The shares make 90 %: 10 % are left.');
  expect(problemOf(['latest', '60'], [1, '50'])).toBe('The shares make 110 %: 10 % too many.');
  expect(problemOf(['latest', '33.5'], [1, '66'])).toBe('“33.5” is not a whole number from 0 to 100.');
  expect(problemOf(['latest', '-1'])).toContain('“-1”');
  expect(problemOf(['latest', '101'])).toContain('“101”');
  expect(problemOf(['latest', '1e2'])).toContain('“1e2”');
  const many = Array.from({ length: 21 }, (_, index) => [index + 1, index === 0 ? '20' : '4'] as const);
  expect(problemOf(...many)).toBe('At most 20 revisions can have a share.');
});

it('says a split in words', () => {
  const changes = [
    { revision: 1, percent: 80 },
    { revision: 'latest' as const, percent: 20 },
  ];
  expect(describeShares(changes, 3)).toBe('80 % to revision 1, 20 % to the newest (now revision 3)');
});
