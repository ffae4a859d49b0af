import { describe, expect, it } from 'vitest';
import { confidenceInterval, median, quantile, rankTest, summarize } from './statistics.ts';

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe('quantiles', () => {
  it('interpolate between the two samples in the middle', () => {
    expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
    expect(median([3, 1, 2])).toBe(2);
    expect(quantile([7], 0.95)).toBe(7);
  });

  it('sum a series up without changing it', () => {
    const samples = [10, 30, 20];
    expect(summarize(samples)).toEqual({ median: 20, p5: 11, p95: 29, min: 10, max: 30, count: 3, interval: null });
    expect(samples).toEqual([10, 30, 20]);
  });

  it('refuse an empty series', () => {
    expect(() => quantile([], 0.5)).toThrow('no samples');
    expect(() => summarize([])).toThrow('no samples');
  });
});

describe('the confidence interval of a median', () => {
  it.each([
    // Conover's table: the ranks whose interval contains the median with 95 %.
    [5, null],
    [6, [1, 6]],
    [8, [1, 8]],
    [9, [2, 8]],
    [12, [3, 10]],
    [20, [6, 15]],
    [100, [40, 61]],
  ] as const)('of %i samples spans the ranks %j', (count, ranks) => {
    const interval = confidenceInterval(range(1, count));
    expect(interval === null ? null : [interval.low, interval.high]).toEqual(ranks);
  });

  it('is wider for more confidence', () => {
    const [low, high] = [confidenceInterval(range(1, 20), 0.9), confidenceInterval(range(1, 20), 0.99)];
    expect([low?.low, high?.low]).toEqual([6, 4]);
    expect(confidenceInterval([])).toBeNull();
  });
});

describe('the rank test', () => {
  it.each([
    // 2 of 252 orders; 174 of 252; 14 of 126; both of 2.
    [range(1, 5), range(6, 10), 0.0079365],
    [[1, 3, 5, 7, 9], [2, 4, 6, 8, 10], 0.6904762],
    [[19, 22, 16, 29, 24], [20, 11, 17, 12], 0.1111111],
    [[1], [2], 1],
  ])('of %j and %j gives the exact chance', (first, second, p) => {
    expect(rankTest(first, second).p).toBeCloseTo(p, 6);
    expect(rankTest(second, first).p).toBeCloseTo(p, 6);
  });

  it('says which series is the greater one', () => {
    expect(rankTest(range(1, 5), range(6, 10)).superiority).toBe(1);
    expect(rankTest(range(6, 10), range(1, 5)).superiority).toBe(0);
    expect(rankTest([1, 2], [1, 2]).superiority).toBe(0.5);
  });

  it('takes many samples, and ties, as normally distributed ranks', () => {
    expect(rankTest(range(1, 30), range(16, 45)).p).toBeLessThan(1e-4);
    expect(rankTest(range(1, 30), range(2, 31)).p).toBeGreaterThan(0.5);
    expect(rankTest([1, 1, 1], [1, 1, 1]).p).toBe(1);
    // By hand: U = 20, mean 12.5, Σ(t³ − t) = 84, variance 20.97, z = 1.529.
    expect(rankTest([1, 2, 2, 3, 3], [2, 3, 3, 4, 5]).p).toBeCloseTo(0.1264, 4);
  });
});
