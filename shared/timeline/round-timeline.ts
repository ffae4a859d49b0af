import { roundToError } from '../format.ts';
import type { Comparison, RunSeries, SeriesDelta, Spread } from '../model/series.ts';
import type { BootTimeline, Phase, PhaseName } from '../model/timeline.ts';
import { type Ns, ns } from '../model/units.ts';

/**
 * A timeline for export: no figure in it is finer than its error (rule TL-E1). Rounded phases need not sum to the
 * total, nor does a rounded phase end exactly where the next one starts.
 */
export function roundTimeline(timeline: BootTimeline): BootTimeline {
  const endErrorNs = timeline.marks.find(({ atNs }) => atNs === timeline.totalNs)?.errorNs ?? ns(0);
  return {
    ...timeline,
    totalNs: round(timeline.totalNs, endErrorNs),
    phases: roundPhases(timeline.phases, endErrorNs),
    ahead: timeline.ahead && { ...timeline.ahead, phases: roundPhases(timeline.ahead.phases, ns(0)) },
    marks: timeline.marks.map((mark) => ({ ...mark, atNs: round(mark.atNs, mark.errorNs) })),
  };
}

function roundPhases(phases: readonly Phase[], endErrorNs: Ns): Phase[] {
  return phases.map((phase, index) => ({
    ...phase,
    startNs: round(phase.startNs, phase.errorNs),
    durationNs:
      phase.durationNs === 0
        ? phase.durationNs
        : round(phase.durationNs, ns(phase.errorNs + (phases[index + 1]?.errorNs ?? endErrorNs))),
  }));
}

/** A comparison for export: no figure in it is finer than its error, nor than a nanosecond (rule TL-E1). */
export function roundComparison(comparison: Comparison): Comparison {
  const { baseline, series, total, phases } = comparison;
  const errorOf = (name: PhaseName) => (baseline.phases[name]?.error ?? 0) + (series.phases[name]?.error ?? 0);
  return {
    ...comparison,
    baseline: roundSeries(baseline),
    series: roundSeries(series),
    total: roundDelta(total, baseline.total.error + series.total.error),
    phases: mapPhases(phases, (delta, name) => roundDelta(delta, errorOf(name))),
  };
}

const roundSeries = (series: RunSeries): RunSeries => ({
  ...series,
  total: roundSpread(series.total),
  phases: mapPhases(series.phases, roundSpread),
});

function roundSpread({ count, error, median, p5, p95, min, max, interval }: Spread): Spread {
  return {
    count,
    error,
    median: roundMs(median, error),
    p5: roundMs(p5, error),
    p95: roundMs(p95, error),
    min: roundMs(min, error),
    max: roundMs(max, error),
    interval: interval && { low: roundMs(interval.low, error), high: roundMs(interval.high, error) },
  };
}

const roundDelta = ({ deltaMs, p }: SeriesDelta, error: number): SeriesDelta => ({
  deltaMs: roundMs(deltaMs, error),
  p: Number(p.toPrecision(2)),
});

const mapPhases = <Value>(
  phases: Partial<Record<PhaseName, Value>>,
  change: (value: Value, name: PhaseName) => Value,
): Record<PhaseName, Value> =>
  Object.fromEntries(Object.entries(phases).map(([name, value]) => [name, change(value, name as PhaseName)])) as Record<
    PhaseName,
    Value
  >;

const nsInMs = 1e-6;
const roundMs = (value: number, error: number): number => roundToError(value, Math.max(error, nsInMs));

const round = (value: Ns, errorNs: Ns): Ns => ns(roundToError(value, errorNs));
