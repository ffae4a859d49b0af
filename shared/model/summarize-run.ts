import type { Run, RunSummary } from './run.ts';
import { type BootTimeline, type PhaseName, phaseNames } from './timeline.ts';
import { nsToMs } from './units.ts';

/** A run's summary for a list. */
export function summarizeRun(run: Run): RunSummary {
  const { timeline } = run;
  return {
    id: run.id,
    projectId: run.projectId,
    functionName: run.functionName,
    runtime: run.runtime,
    startedAt: run.startedAt,
    startMode: run.startMode,
    outcome: run.outcome,
    ...(run.name !== undefined && { name: run.name }),
    subject: run.subject,
    totalMs: timeline === null ? null : nsToMs(timeline.totalNs),
    phasesMs: timeline === null ? null : phaseLengths(timeline),
    phaseErrorsMs: timeline === null ? null : phaseErrors(timeline),
    status: run.response?.status ?? null,
    accel: run.instance?.accel ?? null,
    errorCode: run.error?.code ?? null,
  };
}

const phaseLengths = ({ phases }: BootTimeline) =>
  forEachPhase((name) => (phases.find((phase) => phase.name === name)?.durationNs ?? 0) / 1e6);

/** The errors of both edges of each phase; the last edge is the mark that ends the timeline. */
const phaseErrors = ({ phases, marks, totalNs }: BootTimeline) =>
  forEachPhase((name) => {
    const index = phases.findIndex((phase) => phase.name === name);
    const phase = phases[index];
    if (phase === undefined || phase.durationNs === 0) return 0;
    const endErrorNs = phases[index + 1]?.errorNs ?? marks.find(({ atNs }) => atNs === totalNs)?.errorNs ?? 0;
    return (phase.errorNs + endErrorNs) / 1e6;
  });

const forEachPhase = (make: (name: PhaseName) => number) =>
  Object.fromEntries(phaseNames.map((name) => [name, make(name)])) as Record<PhaseName, number>;
