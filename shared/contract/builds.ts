import { z } from 'zod';
import { hostNameSchema } from '../model/host.ts';
import { buildResultSchema } from '../model/image.ts';
import { wireErrorSchema } from '../model/run.ts';
import { aheadModeSchema, startModeSchema } from '../model/timeline.ts';
import { projectIdSchema } from '../model/units.ts';
import { call } from './define.ts';

/** Where the next instance is made. Default: this machine's libvirt. */
const nextHost = { host: hostNameSchema.optional() };

export const buildCalls = {
  /**
   * Builds the files on disk. With a mode other than `cold`, the next instance is then made, in the background.
   * Errors: PROJECT_INVALID, ENTRY_MISSING, BUILD_FAILED, EXPORT_MISSING, EVALUATION_THREW, EVALUATION_TIMEOUT, MEMORY_TOO_SMALL.
   */
  'builds:build': call(
    z.strictObject({ projectId: projectIdSchema, startMode: startModeSchema.default('cold'), ...nextHost }),
    buildResultSchema,
  ),
  /**
   * Builds, and answers when the next instance waits for its run in that mode. Failing to make one is no error: the
   * next run is then cold, and is marked so. Errors: as `builds:build`.
   */
  'builds:prestart': call(
    z.strictObject({ projectId: projectIdSchema, startMode: aheadModeSchema.default('prestarted'), ...nextHost }),
    buildResultSchema,
  ),
};

export const buildEvents = {
  'builds:started': z.object({ projectId: projectIdSchema }),
  'builds:finished': z.object({
    projectId: projectIdSchema,
    result: buildResultSchema.nullable(),
    error: wireErrorSchema.nullable(),
  }),
};
