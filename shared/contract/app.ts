import { z } from 'zod';
import { accelSchema } from '../model/instance.ts';
import { wireErrorSchema } from '../model/run.ts';
import { projectIdSchema } from '../model/units.ts';
import { call } from './define.ts';

export const appInfoSchema = z.object({
  version: z.string(),
  uri: z.string(),
  /** Null until the accelerator was probed. */
  accel: z.object({ kind: accelSchema, reason: z.string() }).nullable(),
  connection: z.enum(['connected', 'connecting', 'lost']),
  /** The CPUs of the machine that runs the instances; absent where that is not known. */
  cpus: z.number().int().min(1).optional(),
  /** The projects for which an instance is being made ahead of a run that waits for it. */
  preparing: z.array(projectIdSchema).optional(),
  /** The default folder of new projects. */
  projectsDir: z.string(),
  /** The file with a person's settings. */
  settingsPath: z.string(),
});
export type AppInfo = z.output<typeof appInfoSchema>;

/** The state of a person's window: opaque to the engine, stored for the next start. */
export const settingsSchema = z.record(z.string(), z.json());

export const appCalls = {
  'app:info': call(z.strictObject({}), appInfoSchema),
  'settings:get': call(z.strictObject({}), settingsSchema),
  /** Replaces the named keys, keeps the rest. */
  'settings:set': call(z.strictObject({ values: settingsSchema }), z.null()),
};

export const appEvents = {
  /** The connection to libvirt, the accelerator, or what is being prepared changed. */
  'app:changed': appInfoSchema,
  /** An error outside of a call that a person should know of, such as a run that could not be stored. */
  'app:warned': z.object({ error: wireErrorSchema }),
};
