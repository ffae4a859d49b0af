import type { Progress } from '#shared/contract/define.ts';
import type { DeployResult } from '#shared/model/deploy.ts';
import type { StepState } from '../../state/deployments.ts';

/** The steps after a progress report: those before the named one are done. A build's reports belong to its step. */
export function advance(steps: readonly StepState[], { step, message, fraction }: Progress, nowMs: number) {
  const named = steps.findIndex(({ name }) => name === step);
  const running = steps.findIndex(({ status }) => status === 'running');
  const at = Math.max(named, running, 0);
  return steps.map((entry, index): StepState => {
    if (index < at) return entry.status === 'done' ? entry : finish(entry, nowMs);
    if (index > at) return entry;
    const startedAtMs = entry.startedAtMs ?? nowMs;
    return { ...entry, status: 'running', startedAtMs, message, fraction: fraction ?? null };
  });
}

const finish = (step: StepState, nowMs: number): StepState => ({
  ...step,
  status: 'done',
  fraction: null,
  durationMs: step.startedAtMs === null ? 0 : nowMs - step.startedAtMs,
});

/** The steps of a deploy that succeeded, with the engine's own figures. */
export function complete(steps: readonly StepState[], { steps: done }: DeployResult): readonly StepState[] {
  return steps.map((step): StepState => {
    const found = done.find(({ name }) => name === step.name);
    return found === undefined
      ? step
      : { ...step, status: 'done', fraction: null, durationMs: found.durationMs, message: found.detail };
  });
}

/** The steps of a deploy that failed in the running step. */
export const end = (steps: readonly StepState[], status: 'failed' | 'cancelled', nowMs: number): readonly StepState[] =>
  steps.map((step) => (step.status === 'running' ? { ...finish(step, nowMs), status } : step));
