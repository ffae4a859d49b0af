import { describe, expect, it } from 'vitest';
import { quantile, round, summarize } from './statistics.ts';

describe('statistics', () => {
  it('interpolate between the two samples in the middle', () => {
    expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
    expect(quantile([3, 1, 2], 0.5)).toBe(2);
    expect(quantile([7], 0.95)).toBe(7);
  });

  it('sum a series up without changing it', () => {
    const samples = [10, 30, 20];
    expect(summarize(samples)).toEqual({ median: 20, p95: 29, min: 10, max: 30, count: 3 });
    expect(samples).toEqual([10, 30, 20]);
  });

  it('keep four significant digits', () => {
    expect([1.23456, 0.000123456, 123456].map(round)).toEqual([1.235, 0.0001235, 123500]);
  });

  it('refuse an empty series', () => {
    expect(() => quantile([], 0.5)).toThrow('no samples');
  });
});
