/** Statistics of repeated measurements. They do not assume a normal distribution: times are skewed. */

/** The summary of a series of measurements. Units: those of the samples. */
export interface Summary {
  readonly count: number;
  readonly median: number;
  readonly p5: number;
  readonly p95: number;
  readonly min: number;
  readonly max: number;
  /** The median's 95 % confidence interval; null with fewer than six samples, which allow none. */
  readonly interval: Interval | null;
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** The value below which a share of the samples lies, interpolated between neighbours. Errors: throws for no samples. */
export function quantile(samples: readonly number[], share: number): number {
  return quantileOfSorted(ascending(samples), share);
}

/** The middle of the samples. Errors: throws for no samples. */
export const median = (samples: readonly number[]): number => quantile(samples, 0.5);

/** The summary of a series. Errors: throws for no samples. */
export function summarize(samples: readonly number[]): Summary {
  const sorted = ascending(samples);
  return {
    count: sorted.length,
    median: quantileOfSorted(sorted, 0.5),
    p5: quantileOfSorted(sorted, 0.05),
    p95: quantileOfSorted(sorted, 0.95),
    min: quantileOfSorted(sorted, 0),
    max: quantileOfSorted(sorted, 1),
    interval: intervalOfSorted(sorted, 0.95),
  };
}

/**
 * An interval that contains the median of the sampled distribution with at least the given confidence; null when there are
 * too few samples for one.
 *
 * Source: the order statistics between which a median lies follow the binomial distribution (W. J. Conover, Practical
 * Nonparametric Statistics, "confidence interval for a quantile").
 */
export const confidenceInterval = (samples: readonly number[], confidence = 0.95): Interval | null =>
  intervalOfSorted(ascending(samples), confidence);

function intervalOfSorted(sorted: readonly number[], confidence: number): Interval | null {
  const n = sorted.length;
  let chance = 2 ** -n;
  let below = chance;
  let rank = -1;
  // `below` is the probability that at most `k` samples lie below the median.
  for (let k = 0; k < n / 2 && 2 * below <= 1 - confidence; k++) {
    rank = k;
    chance *= (n - k) / (k + 1);
    below += chance;
  }
  const low = sorted[rank];
  const high = sorted[n - 1 - rank];
  return low === undefined || high === undefined ? null : { low, high };
}

/** The result of a rank test of two series. */
export interface RankTest {
  /** The probability of ranks at least this uneven when both series measure the same. Shape: 0 to 1. */
  readonly p: number;
  /** The probability that a sample of the second series exceeds one of the first; a tie counts as half. Shape: 0 to 1. */
  readonly superiority: number;
}

/** Up to this many samples the distribution of the ranks is exact; above it, and with ties, it is approximated as normal. */
const exactUpTo = 20;

/**
 * The two-sided Mann–Whitney test of two series. Errors: throws when one has no samples.
 *
 * Source: H. B. Mann, D. R. Whitney, 1947; normal approximation with tie and continuity correction.
 */
export function rankTest(first: readonly number[], second: readonly number[]): RankTest {
  const n = first.length;
  const m = second.length;
  if (n === 0 || m === 0) throw new Error('there are no samples');
  const { rankSum, tieTerm } = rankSecond(first, second);
  const u = rankSum - (m * (m + 1)) / 2;
  const superiority = u / (n * m);
  const exact = tieTerm === 0 && n <= exactUpTo && m <= exactUpTo;
  return { superiority, p: exact ? exactP(u, n, m) : normalP(u, n, m, tieTerm) };
}

/** The sum of the second series' ranks among all samples (ties share their mean rank), and Σ(t³ − t) over the ties. */
function rankSecond(first: readonly number[], second: readonly number[]): { rankSum: number; tieTerm: number } {
  const all = [...first.map((value) => ({ value, own: 0 })), ...second.map((value) => ({ value, own: 1 }))];
  all.sort((a, b) => a.value - b.value);
  let rankSum = 0;
  let tieTerm = 0;
  for (let from = 0; from < all.length; ) {
    let to = from;
    while (to < all.length && all[to]?.value === all[from]?.value) to++;
    const ties = to - from;
    const rank = (from + 1 + to) / 2;
    for (const { own } of all.slice(from, to)) rankSum += own * rank;
    tieTerm += ties ** 3 - ties;
    from = to;
  }
  return { rankSum, tieTerm };
}

function exactP(u: number, n: number, m: number): number {
  const counts = countRankings(n, m);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const tail = Math.min(u, n * m - u);
  const within = counts.slice(0, tail + 1).reduce((sum, count) => sum + count, 0);
  return Math.min(1, (2 * within) / total);
}

/** The number of orders of n and m samples for each value of U: the coefficients of the Gaussian binomial. */
function countRankings(n: number, m: number): number[] {
  let counts = [1];
  for (let i = 1; i <= n; i++) counts = divide(multiply(counts, m + i), i);
  return counts;
}

/** The product with 1 − q^power. */
function multiply(counts: readonly number[], power: number): number[] {
  const product = [...counts, ...new Array<number>(power).fill(0)];
  counts.forEach((count, at) => {
    product[at + power] = (product[at + power] as number) - count;
  });
  return product;
}

/** The quotient by 1 − q^power; there is no remainder. */
function divide(counts: readonly number[], power: number): number[] {
  const quotient = [...counts];
  for (let at = power; at < quotient.length; at++) {
    quotient[at] = (quotient[at] as number) + (quotient[at - power] as number);
  }
  return quotient.slice(0, quotient.length - power);
}

function normalP(u: number, n: number, m: number, tieTerm: number): number {
  const all = n + m;
  const variance = ((n * m) / 12) * (all + 1 - tieTerm / (all * (all - 1)));
  if (!(variance > 0)) return 1;
  const distance = Math.max(0, Math.abs(u - (n * m) / 2) - 0.5);
  return Math.min(1, complementaryError(distance / Math.sqrt(2 * variance)));
}

/** erfc for x ≥ 0, to 1.2·10⁻⁷. Source: W. H. Press and others, Numerical Recipes, "erfcc". */
function complementaryError(x: number): number {
  const t = 1 / (1 + x / 2);
  const coefficients = [
    0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196, 1.00002368,
    -1.26551223,
  ];
  return t * Math.exp(coefficients.reduce((sum, coefficient) => sum * t + coefficient, 0) - x * x);
}

const ascending = (samples: readonly number[]): number[] => [...samples].sort((a, b) => a - b);

function quantileOfSorted(sorted: readonly number[], share: number): number {
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)];
  const high = sorted[Math.ceil(at)];
  if (low === undefined || high === undefined) throw new Error('there are no samples');
  return low + (high - low) * (at - Math.floor(at));
}
