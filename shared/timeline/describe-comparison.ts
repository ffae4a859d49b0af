/** Comparisons as text, the same in the window, the CLI and exports. */
import { formatDuration } from '../format.ts';
import type { Comparison, Difference, SeriesDelta, Spread } from '../model/series.ts';

/** Below this a difference is called significant: one in twenty comparisons of equal series is by chance. */
const significantBelow = 0.05;

/** True when a difference is beyond the noise, and both series do the same work (rule TL-S6). */
export const isSignificant = ({ p }: SeriesDelta, differences: readonly Difference[]): boolean =>
  p < significantBelow && differences.every((one) => one === 'image');

/** A comparison as a sentence in three parts: a narrow view leaves out the middle one. */
export interface ComparisonWords {
  /** `1.20 ms slower`. */
  readonly change: string;
  /** ` than the median of 14 runs`. */
  readonly than: string;
  /** ` (p = 0.27)`; empty where there are only two runs. */
  readonly chance: string;
}

/** The comparison of the total, in parts. */
export function comparisonWords({ baseline, series, differences, total }: Comparison): ComparisonWords {
  const { count } = baseline.total;
  const amount = formatDuration(Math.abs(total.deltaMs) * 1e6);
  const isSame = amount === '0 ms';
  const change = isSame ? 'as fast' : `${amount} ${total.deltaMs > 0 ? 'slower' : 'faster'}`;
  const subject = series.total.count > 1 ? `median of ${series.total.count} runs ` : '';
  const other = differences.length === 0 ? ' other' : '';
  const what = count === 1 ? `the one${other} run` : `the median of ${count} runs`;
  return {
    change: `${subject}${change}`,
    than: `${isSame ? ' as' : ' than'} ${what}${describeDifferences(differences, baseline, series)}`,
    chance: count + series.total.count > 2 ? ` (${formatP(total.p)})` : '',
  };
}

/** The comparison of the total: `1.20 ms slower than the median of 14 runs (p = 0.27)`. */
export function describeComparison(comparison: Comparison): string {
  const { change, than, chance } = comparisonWords(comparison);
  return `${change}${than}${chance}`;
}

function describeDifferences(
  differences: readonly Difference[],
  baseline: Comparison['baseline'],
  series: Comparison['series'],
): string {
  const words: Record<Difference, string> = {
    runtime: 'on another runtime',
    startMode: `, ${series.subject.startMode} against ${baseline.subject.startMode}`,
    accel: `, ${series.subject.accel} against ${baseline.subject.accel}`,
    host: 'on another host',
    event: 'with another event',
    image: 'of another build',
  };
  // Another runtime always has another image, so the image is not listed.
  const named = differences.filter((one) => one !== 'image' || !differences.includes('runtime'));
  return named.map((one) => (words[one].startsWith(',') ? words[one] : ` ${words[one]}`)).join('');
}

/** A spread: `22.1 to 25.0 ms`, its 5th to its 95th percentile. A single run has no spread. */
export function describeSpread({ count, p5, p95, error }: Spread): string {
  if (count < 2) return '–';
  return `${formatDuration(p5 * 1e6, error * 1e6)} to ${formatDuration(p95 * 1e6, error * 1e6)}`;
}

/** A probability: `p = 0.27`, `p < 0.001`. */
export function formatP(p: number): string {
  if (p < 0.001) return 'p < 0.001';
  return `p = ${Number(p.toPrecision(2))}`;
}
