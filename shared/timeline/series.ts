import type { RunSubject, RunSummary } from '../model/run.ts';
import type { Comparison, RunSeries, SeriesDelta, Spread } from '../model/series.ts';
import { type PhaseName, phaseNames } from '../model/timeline.ts';
import { rankTest, summarize } from '../statistics/statistics.ts';

/** A run that can be part of a series: answered, measured, and with a record of what it measured. */
type Measured = RunSummary & {
  readonly subject: RunSubject;
  readonly totalMs: number;
  readonly phasesMs: Readonly<Record<PhaseName, number>>;
};

/** The runs that measure the same as `run`, itself included, newest first (rule TL-S1). */
export function runsLike(run: RunSummary, all: readonly RunSummary[]): RunSummary[] {
  const key = keyOf(run);
  return key === null ? [] : all.filter((other) => keyOf(other) === key);
}

/** The series that a run is part of; null when it cannot be part of one (rule TL-S2). */
export function seriesOf(run: RunSummary, all: readonly RunSummary[]): RunSeries | null {
  const runs = runsLike(run, all).filter(isMeasured);
  const [newest] = runs;
  if (newest === undefined) return null;
  return {
    functionName: newest.functionName,
    subject: newest.subject,
    runIds: runs.map(({ id }) => id),
    total: spread(runs.map(({ totalMs }) => totalMs)),
    phases: forEachPhase((name) => spread(runs.map(({ phasesMs }) => phasesMs[name]))),
  };
}

/** A series beside its baseline (rule TL-S3); null when one of the two has no run among `all`. */
export function compareSeries(baseline: RunSeries, series: RunSeries, all: readonly RunSummary[]): Comparison | null {
  const pick = (of: RunSeries) => all.filter(isMeasured).filter(({ id }) => of.runIds.includes(id));
  const before = pick(baseline);
  const after = pick(series);
  if (before.length === 0 || after.length === 0) return null;
  const delta = (measure: (run: Measured) => number): SeriesDelta => {
    const [a, b] = [before.map(measure), after.map(measure)];
    return { deltaMs: spread(b).median - spread(a).median, p: rankTest(a, b).p };
  };
  return {
    baseline,
    series,
    total: delta(({ totalMs }) => totalMs),
    phases: forEachPhase((name) => delta(({ phasesMs }) => phasesMs[name])),
  };
}

function keyOf({ projectId, subject }: RunSummary): string | null {
  if (subject === null) return null;
  const { imageId, host, accel, startMode, eventDigest } = subject;
  return [projectId, imageId, host, accel, startMode, eventDigest].join('\n');
}

const isMeasured = (run: RunSummary): run is Measured =>
  run.outcome === 'ok' && run.subject !== null && run.totalMs !== null && run.phasesMs !== null;

const spread = (values: readonly number[]): Spread => summarize(values);

const forEachPhase = <Value>(make: (name: PhaseName) => Value): Record<PhaseName, Value> =>
  Object.fromEntries(phaseNames.map((name) => [name, make(name)])) as Record<PhaseName, Value>;
