import { z } from 'zod';
import { runSchema, runSummarySchema } from '../model/run.ts';
import { bootTimelineSchema } from '../model/timeline.ts';
import { projectIdSchema, runIdSchema } from '../model/units.ts';
import { call } from './define.ts';

const byRun = z.strictObject({ runId: runIdSchema });

export const runCalls = {
  /** Newest first. */
  'runs:list': call(
    z.strictObject({ projectId: projectIdSchema.optional(), limit: z.number().int().min(1).max(1000).default(100) }),
    z.array(runSummarySchema),
  ),
  'runs:get': call(byRun, runSchema),
  'runs:remove': call(byRun, z.null()),
};

export const runEvents = {
  /** How far a run that is under way has come; `runs:added` follows when it is over. */
  'runs:progressed': z.object({ projectId: projectIdSchema, runId: runIdSchema, timeline: bootTimelineSchema }),
  'runs:added': z.object({ run: runSummarySchema }),
  'runs:removed': z.object({ runId: runIdSchema }),
};
