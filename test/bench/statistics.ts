/** What a series of measurements comes to. Units: those of the samples. */
export interface Series {
  readonly median: number;
  readonly p95: number;
  readonly min: number;
  readonly max: number;
  readonly count: number;
}

/** The value below which a share of the samples lies, interpolated between neighbours. Errors: throws for no samples. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)];
  const high = sorted[Math.ceil(at)];
  if (low === undefined || high === undefined) throw new Error('there are no samples');
  return low + (high - low) * (at - Math.floor(at));
}

/** Three significant digits are what a wall-clock measurement on a shared machine can bear; four keep ratios exact enough. */
export function round(value: number): number {
  return Number(value.toPrecision(4));
}

/** The figures of a series, rounded. Errors: throws for no samples. */
export function summarize(samples: readonly number[]): Series {
  return {
    median: round(quantile(samples, 0.5)),
    p95: round(quantile(samples, 0.95)),
    min: round(Math.min(...samples)),
    max: round(Math.max(...samples)),
    count: samples.length,
  };
}
