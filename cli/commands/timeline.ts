import { FirstlightError } from '#shared/errors.ts';
import { formatDelta, formatDuration } from '#shared/format.ts';
import type { Run, RunSubject, RunSummary } from '#shared/model/run.ts';
import type { Comparison } from '#shared/model/series.ts';
import { summarizeRun } from '#shared/model/summarize-run.ts';
import { type BootTimeline, phaseNames } from '#shared/model/timeline.ts';
import { compareRuns, describeSpread, findBaseline, formatP, roundComparison } from '#shared/timeline/index.ts';
import { badInput } from '../failures.ts';
import { renderTimeline } from '../output/print-timeline.ts';
import { runJson } from '../output/run-json.ts';
import type { Style } from '../output/style.ts';
import { renderTable } from '../output/table.ts';
import type { Session } from '../session.ts';

/** All stored runs of a function. */
const allRuns = 1000;

/**
 * Prints a recorded run's timeline, and its comparison with a baseline: its own series, or the series of another run.
 *
 * Errors: NOT_FOUND, BAD_INPUT.
 */
export async function showTimeline(session: Session, name: string, options: { baseline?: string }): Promise<number> {
  const runs = await session.call('runs:list', { limit: allRuns });
  const run = await session.call('runs:get', { runId: matchRun(runs, name).id });
  const baseline = options.baseline === undefined ? undefined : matchRun(runs, options.baseline);
  const comparison = compareWith(run, runs, baseline);
  if (baseline !== undefined && comparison === null) {
    throw badInput(
      `Run ${run.id} cannot be compared with ${baseline.id}.`,
      'Both must be answered runs of one project, recorded with what they measured.',
    );
  }
  const { subject } = run;
  session.printJson({
    run: run.id,
    ...runJson(run),
    subject,
    comparison: comparison && roundComparison(comparison),
  });
  const { style } = session;
  if (run.timeline === null) session.print(`Run ${run.id} has no timeline: nothing was started.\n`);
  else session.print(renderTimeline(run.timeline, style, comparison));
  if (run.timeline !== null && comparison !== null) session.print(renderSeries(run.timeline, comparison, style));
  if (subject !== null) session.print(style.dim(`${describeSubject(run.id, subject)}\n`));
  return 0;
}

/** The comparison of a run with `baseline`; by default with the series that it repeats. */
export function compareWith(run: Run, runs: readonly RunSummary[], baseline?: RunSummary): Comparison | null {
  const summary = summarizeRun(run);
  const other = baseline ?? findBaseline(summary, runs);
  return other === null ? null : compareRuns(summary, other, runs);
}

/** The run with an id or a prefix of one. Errors: NOT_FOUND. */
function matchRun(runs: readonly RunSummary[], name: string): RunSummary {
  const found = runs.filter(({ id }) => id.startsWith(name));
  const run = runs.find(({ id }) => id === name) ?? (found.length === 1 ? found[0] : undefined);
  if (run !== undefined) return run;
  throw new FirstlightError('NOT_FOUND', `There is no run "${name}".`, {
    hint: '`firstlight runs` lists those that are kept.',
  });
}

/** A row for each phase: its length in this run, and in the runs of the baseline. */
function renderSeries(timeline: BootTimeline, { baseline, series, total, phases }: Comparison, style: Style): string {
  const lengthOf = (name: string) => timeline.phases.find((phase) => phase.name === name)?.durationNs ?? 0;
  const row = (name: string, ns: number, figures: typeof baseline.total, delta: typeof total, ownError: number) => [
    name,
    formatDuration(ns, ns === 0 ? 0 : ownError * 1e6),
    formatDuration(figures.median * 1e6, figures.median === 0 ? 0 : figures.error * 1e6),
    describeSpread(figures),
    formatDelta(delta.deltaMs * 1e6, (figures.error + ownError) * 1e6),
    formatP(delta.p).replace('p = ', '').replace('p ', ''),
  ];
  const rows = phaseNames.flatMap((name) => {
    const [figures, delta] = [baseline.phases[name], phases[name]];
    if (figures === undefined || delta === undefined || (figures.max === 0 && lengthOf(name) === 0)) return [];
    return [row(name, lengthOf(name), figures, delta, series.phases[name]?.error ?? 0)];
  });
  rows.push(row('total', timeline.totalNs, baseline.total, total, 0));
  const { count } = baseline.total;
  const change = series.total.count > 1 ? `>CHANGE OF THE MEDIAN OF ${series.total.count}` : '>CHANGE';
  const median = count === 1 ? '>OTHER RUN' : `>MEDIAN OF ${count}`;
  return `\n${renderTable(['PHASE', '>THIS RUN', median, '>5 TO 95 %', change, '>P'], rows, style)}\n`;
}

function describeSubject(id: string, subject: RunSubject): string {
  const { imageId, bundleId, host, accel, startMode, eventDigest, commit } = subject;
  const short = (digest: string) => digest.slice(0, 12);
  const parts = [`image ${short(imageId)}`, `bundle ${short(bundleId)}`, `event ${short(eventDigest)}`];
  if (commit !== null) parts.push(`commit ${short(commit)}`);
  return `run ${id}  ${startMode}, ${accel}, ${host}  ${parts.join('  ')}`;
}
