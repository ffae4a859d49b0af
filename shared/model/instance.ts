import { z } from 'zod';
import { localHostName } from './host.ts';
import { runtimeIdSchema } from './project.ts';
import { startModeSchema } from './timeline.ts';
import { imageIdSchema, instanceIdSchema, projectIdSchema, runIdSchema } from './units.ts';

export const accelSchema = z.enum(['kvm', 'tcg']);
export type Accel = z.infer<typeof accelSchema>;

/**
 * `prestarted`: created paused, nothing executed yet. `booting`: running, not yet answered. `prebooted`: booted ahead,
 * waits for the run it was made for. `ready`: waits for an invocation. `busy`: serves one. `paused`: a person suspended it. `stopping`: asked to end. `stopped`: ended.
 * `failed`: ended by itself or unusable; `failure` has the reason.
 */
export const instanceStateSchema = z.enum([
  'prestarted',
  'booting',
  'prebooted',
  'ready',
  'busy',
  'paused',
  'stopping',
  'stopped',
  'failed',
]);
export type InstanceState = z.infer<typeof instanceStateSchema>;

/** A virtual machine of Firstlight, as its host reports it now. */
export const instanceSchema = z.object({
  id: instanceIdSchema,
  /** The name of its host. */
  host: z.string().default(localHostName),
  /** The machine's name on its host: that of the libvirt domain. */
  domain: z.string(),
  uuid: z.string(),
  uri: z.string(),
  state: instanceStateSchema,
  failure: z.string().nullable(),
  accel: accelSchema,
  startMode: startModeSchema,
  runtime: runtimeIdSchema,
  projectId: projectIdSchema,
  functionName: z.string(),
  imageId: imageIdSchema,
  memoryMiB: z.number().int(),
  vcpus: z.number().int(),
  /** True when it outlives the process that started it. */
  keep: z.boolean(),
  /** The address at which it serves HTTP to this machine; null when it does not. */
  url: z.string().nullable().default(null),
  createdAt: z.string(),
  /** The command that debugs it, for an instance that waits for a debugger. */
  gdbCommand: z.string().optional(),
  /** The run whose cold start this instance served; null before. */
  runId: runIdSchema.nullable(),
});
export type Instance = z.output<typeof instanceSchema>;
