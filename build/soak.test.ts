import { describe, expect, it } from 'vitest';
import { readArguments, sumUp } from './soak.mjs';

describe('arguments of the soak', () => {
  it('name parts, a count and a seed', () => {
    expect(readArguments(['kept', 'fuzz', '--count', '5', '--seed', '9'])).toMatchObject({
      names: ['kept', 'fuzz'],
      count: 5,
      seed: 9,
    });
    expect(readArguments([]).names).toContain('kill9');
  });

  it.each([[['nothing']], [['--count', '0']], [['--count', 'x']], [['--what']]])('%j shows the usage', (args) => {
    expect(() => readArguments(args)).toThrowError(expect.objectContaining({ hint: expect.stringContaining('kill9') }));
  });
});

it('the ledger of the soak is summed up, most by most', () => {
  const line = (kills: number, most: number, harm: string[]) =>
    JSON.stringify({ part: 'kill9', seconds: 10, commit: 'abc', counts: { kills, 'most ms': most }, harm });
  expect(sumUp([line(3, 7, []), line(4, 5, ['x']), ''])).toEqual({
    kill9: { runs: 2, harm: 1, seconds: 20, counts: { kills: 7, 'most ms': 7 }, commits: ['abc'] },
  });
});
