/** The figures of a timeline as text: none is finer than the errors of its edges. */
import type { BootTimeline, PhaseName } from '#shared/model/timeline.ts';
import { formatP, isSignificant } from '#shared/timeline/index.ts';
import { formatNs, formatNsDelta, formatPercent } from '../../ui/instrument-format.ts';
import type { TimeWindow } from './time-scale.ts';
import {
  endErrorOf,
  marksWithin,
  type PhaseSpread,
  type Segment,
  shareOf,
  type TimelineModel,
} from './timeline-model.ts';

/** The error of a phase's length: those of both its edges. */
export const lengthError = ({ errorNs, endErrorNs }: Segment): number => errorNs + endErrorNs;

export const lengthText = (segment: Segment): string =>
  formatNs(segment.endNs - segment.startNs, segment.endNs > segment.startNs ? lengthError(segment) : 0);

/** The length of a phase of the previous run. */
export function previousText(model: TimelineModel, name: PhaseName): string {
  const segment = model.ghost.find((candidate) => candidate.name === name);
  return segment === undefined ? formatNs(0) : lengthText(segment);
}

export function totalText(timeline: BootTimeline): string {
  return formatNs(timeline.totalNs, endErrorOf(timeline, timeline.marks));
}

export function shareText(model: TimelineModel, segment: Segment): string {
  const total = model.timeline?.totalNs ?? 0;
  return formatPercent(shareOf(model, segment), total === 0 ? 0 : lengthError(segment) / total);
}

/** The error of a phase's difference to the previous run's: those of all four edges (rule TL-E1). */
export function changeError(model: TimelineModel, segment: Segment): number {
  const before = model.ghost.find(({ name }) => name === segment.name);
  return lengthError(segment) + (before === undefined ? 0 : lengthError(before));
}

/** The comparison of a phase with the baseline's runs, as text. */
export interface SpreadText {
  readonly median: string;
  /** From the 5th to the 95th percentile. */
  readonly range: string;
  /** The difference of this run, or of the median of its series, to that median. */
  readonly change: string;
  readonly p: string;
  /** True when the difference is beyond the noise (rule TL-S6). */
  readonly significant: boolean;
  readonly runs: number;
}

/** The figures of the baseline for a phase; null where it has no spread. */
export function spreadText(model: TimelineModel, name: PhaseName): SpreadText | null {
  const spread = model.spread.find((one) => one.name === name);
  const { comparison } = model;
  const delta = comparison?.phases[name];
  if (spread === undefined || comparison === null || delta === undefined) return null;
  const { medianNs, lowNs, highNs, errorNs } = spread;
  const ownErrorNs = (comparison.series.phases[name]?.error ?? 0) * 1e6;
  return {
    median: formatNs(medianNs, medianNs > 0 ? errorNs : 0),
    range: highNs === 0 ? '–' : `${formatNs(lowNs, errorNs)} to ${formatNs(highNs, errorNs)}`,
    change: formatNsDelta(delta.deltaMs * 1e6, ownErrorNs + errorNs),
    p: highNs === 0 ? '–' : formatP(delta.p),
    significant: isSignificant(delta, comparison.differences),
    runs: comparison.baseline.total.count,
  };
}

/** True when a phase of the baseline is long enough to draw its spread. */
export const isSpread = ({ highNs }: PhaseSpread): boolean => highNs > 0;

/** The error of an instant between marks: the smaller one of the marks on both sides. */
export function instantError({ markAtNs, markErrorNs }: TimelineModel, atNs: number): number {
  let next = 0;
  while (next < markAtNs.length && (markAtNs[next] as number) < atNs) next++;
  const least = Math.min(
    markErrorNs[next] ?? Number.POSITIVE_INFINITY,
    markErrorNs[next - 1] ?? Number.POSITIVE_INFINITY,
  );
  return Number.isFinite(least) ? least : 0;
}

/** The smallest error of the marks in a stretch, or around an empty one: an axis needs no finer ticks. */
export function windowError(model: TimelineModel, { startNs, endNs }: TimeWindow): number {
  const [from, to] = marksWithin(model, startNs, endNs);
  return from < to ? Math.min(...model.markErrorNs.subarray(from, to)) : instantError(model, startNs);
}
