import type { Run, RunSummary } from './run.ts';
import { type BootTimeline, type PhaseName, phaseNames } from './timeline.ts';
import { nsToMs } from './units.ts';

/** The line that a list shows of a run. */
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
    subject: run.subject,
    totalMs: timeline === null ? null : nsToMs(timeline.totalNs),
    phasesMs: timeline === null ? null : phaseLengths(timeline),
    status: run.response?.status ?? null,
    accel: run.instance?.accel ?? null,
    errorCode: run.error?.code ?? null,
  };
}

function phaseLengths({ phases }: BootTimeline): Record<PhaseName, number> {
  const lengthOf = (name: PhaseName) => phases.find((phase) => phase.name === name)?.durationNs;
  return Object.fromEntries(phaseNames.map((name) => [name, (lengthOf(name) ?? 0) / 1e6])) as Record<PhaseName, number>;
}
