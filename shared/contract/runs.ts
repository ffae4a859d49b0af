import { z } from 'zod';
import { runSchema, runSummarySchema } from '../model/run.ts';
import { bootTimelineSchema } from '../model/timeline.ts';
import { projectIdSchema, runIdSchema } from '../model/units.ts';
import { call, largeCall } from './define.ts';

const byRun = z.strictObject({ runId: runIdSchema });

export const runCalls = {
  /** Newest first. */
  'runs:list': call(
    z.strictObject({ projectId: projectIdSchema.optional(), limit: z.number().int().min(1).max(1000).default(100) }),
    z.array(runSummarySchema),
  ),
  'runs:get': largeCall(byRun, runSchema),
  /** Names a run; null removes the name. Errors: NOT_FOUND; CONFLICT while the run is in progress. */
  'runs:rename': call(byRun.extend({ name: z.string().trim().min(1).max(80).nullable() }), runSummarySchema),
  'runs:remove': call(byRun, z.null()),
};

export const runEvents = {
  /** The progress of a running run; `runs:added` follows when it is over. */
  'runs:progressed': z.object({ projectId: projectIdSchema, runId: runIdSchema, timeline: bootTimelineSchema }),
  'runs:added': z.object({ run: runSummarySchema }),
  /** The name of a run changed. */
  'runs:changed': z.object({ run: runSummarySchema }),
  'runs:removed': z.object({ runId: runIdSchema }),
};
