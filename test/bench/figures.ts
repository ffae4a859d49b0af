import { type Summary, summarize as summarizeExactly } from '#shared/statistics/statistics.ts';

/** A figure in the benches' output: times on a shared machine have three valid digits; four keep ratios exact. */
export const round = (value: number): number => Number(value.toPrecision(4));

/** The figures of a series, rounded. Errors: throws for no samples. */
export function summarize(samples: readonly number[]): Summary {
  const { count, interval, ...figures } = summarizeExactly(samples);
  return {
    count,
    median: round(figures.median),
    p5: round(figures.p5),
    p95: round(figures.p95),
    min: round(figures.min),
    max: round(figures.max),
    interval: interval && { low: round(interval.low), high: round(interval.high) },
  };
}
