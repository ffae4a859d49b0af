/** Runs for tests of the store. */
import type { Run } from '#shared/model/run.ts';
import { projectIdSchema, type RunId } from '#shared/model/units.ts';

/** A run as it is right after the click. */
export function runningRun(id: RunId, overrides: Partial<Run> = {}): Run {
  return {
    id,
    projectId: projectIdSchema.parse('0123456789ab'),
    functionName: 'hello',
    projectDir: '/tmp/hello',
    runtime: 'ember',
    startedAt: new Date().toISOString(),
    clickedAtMs: 0,
    startMode: 'cold',
    outcome: 'running',
    subject: null,
    image: null,
    instance: null,
    event: null,
    response: null,
    error: null,
    timeline: null,
    metrics: null,
    samples: [],
    ...overrides,
  };
}
