import type { RunSubject, RunSummary } from '../model/run.ts';
import { type Comparison, type Difference, differences, type RunSeries, type SeriesDelta } from '../model/series.ts';
import { type PhaseName, phaseNames } from '../model/timeline.ts';
import { rankTest, summarize } from '../statistics/statistics.ts';

/** A run that can be part of a series: answered, measured, and with a recorded subject. */
type Measured = RunSummary & {
  readonly subject: RunSubject;
  readonly totalMs: number;
  readonly phasesMs: Readonly<Record<PhaseName, number>>;
  readonly phaseErrorsMs: Readonly<Record<PhaseName, number>>;
};

/** With fewer runs of its own before it, a run is compared with the series before the last edit (rule TL-S4). */
const ownBaselineRuns = 5;

/** The runs that measure the same as `run`, itself included, in the order of `all` (rule TL-S1). */
export function runsLike(run: RunSummary, all: readonly RunSummary[]): RunSummary[] {
  return run.subject === null ? [] : all.filter((other) => other.id === run.id || differ(run, other)?.length === 0);
}

/** The series that a run is part of; null when it cannot be part of one (rule TL-S2). */
export function seriesOf(run: RunSummary, all: readonly RunSummary[]): RunSeries | null {
  return toSeries(runsLike(run, all).filter(isMeasured));
}

/**
 * The run whose series `run` is compared with by default, the newest of it (rule TL-S4); null when there is none. `all` are
 * runs of any function, newest first.
 */
export function findBaseline(run: RunSummary, all: readonly RunSummary[]): RunSummary | null {
  if (!isMeasured(run)) return null;
  const earlier = all.filter(isMeasured).filter(({ id, startedAt }) => id !== run.id && startedAt <= run.startedAt);
  const own = earlier.filter((other) => differ(run, other)?.length === 0);
  if (own.length >= ownBaselineRuns) return own[0] ?? null;
  const edited = earlier.find((other) => isEdit(differ(run, other)));
  const before = edited === undefined ? [] : runsLike(edited, earlier);
  return (before.length > own.length ? edited : own[0]) ?? null;
}

/**
 * The comparison of two runs (rules TL-S3, TL-S5): when both measure the same, the run alone with all others of its
 * series; otherwise its series with the other's. Null when one of them cannot be part of a series.
 */
export function compareRuns(run: RunSummary, other: RunSummary, all: readonly RunSummary[]): Comparison | null {
  const unlike = differ(run, other);
  if (unlike === null || !isMeasured(run) || !isMeasured(other) || run.id === other.id) return null;
  const runs = withRuns(all, run, other).filter(isMeasured);
  const own = unlike.length === 0 ? [run] : runsLike(run, runs).filter(isMeasured);
  const others = runsLike(other, runs)
    .filter(isMeasured)
    .filter(({ id }) => id !== run.id);
  const [baseline, series] = [toSeries(others), toSeries(own)];
  if (baseline === null || series === null) return null;
  const delta = (measure: (run: Measured) => number): SeriesDelta => {
    const [before, after] = [others.map(measure), own.map(measure)];
    return { deltaMs: summarize(after).median - summarize(before).median, p: rankTest(before, after).p };
  };
  return {
    baseline,
    series,
    differences: unlike,
    total: delta(({ totalMs }) => totalMs),
    phases: forEachPhase((name) => delta(({ phasesMs }) => phasesMs[name])),
  };
}

/** The differences between two runs; null when they are unknown, or the runs are of different projects. */
function differ(run: RunSummary, other: RunSummary): Difference[] | null {
  const [a, b] = [run.subject, other.subject];
  if (a === null || b === null || run.projectId !== other.projectId) return null;
  const isUnlike: Record<Difference, boolean> = {
    runtime: run.runtime !== other.runtime,
    startMode: a.startMode !== b.startMode,
    accel: a.accel !== b.accel,
    host: a.host !== b.host,
    event: a.eventDigest !== b.eventDigest,
    image: a.imageId !== b.imageId,
  };
  return differences.filter((name) => isUnlike[name]);
}

const isEdit = (unlike: readonly Difference[] | null): boolean => unlike?.length === 1 && unlike[0] === 'image';

/** All runs with those that may not be listed yet. */
const withRuns = (all: readonly RunSummary[], ...more: readonly RunSummary[]): RunSummary[] => [
  ...more.filter(({ id }) => !all.some((one) => one.id === id)),
  ...all,
];

function toSeries(runs: readonly Measured[]): RunSeries | null {
  const [newest] = runs;
  if (newest === undefined) return null;
  return {
    functionName: newest.functionName,
    subject: newest.subject,
    runIds: runs.map(({ id }) => id),
    // The click and the answer are both on the host's clock.
    total: { ...summarize(runs.map(({ totalMs }) => totalMs)), error: 0 },
    phases: forEachPhase((name) => ({
      ...summarize(runs.map(({ phasesMs }) => phasesMs[name])),
      error: Math.max(...runs.map(({ phaseErrorsMs }) => phaseErrorsMs[name])),
    })),
  };
}

const isMeasured = (run: RunSummary): run is Measured =>
  run.outcome === 'ok' &&
  run.subject !== null &&
  run.totalMs !== null &&
  run.phasesMs !== null &&
  run.phaseErrorsMs !== null;

const forEachPhase = <Value>(make: (name: PhaseName) => Value): Record<PhaseName, Value> =>
  Object.fromEntries(phaseNames.map((name) => [name, make(name)])) as Record<PhaseName, Value>;
