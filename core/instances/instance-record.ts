import { z } from 'zod';
import { exclusiveResources } from '#core/runtime/machines.ts';
import { ownerSchema } from '#core/store/owner.ts';
import { accelSchema } from '#shared/model/instance.ts';
import { runtimeIdSchema } from '#shared/model/project.ts';
import { startModeSchema } from '#shared/model/timeline.ts';
import { bundleIdSchema, imageIdSchema, instanceIdSchema, projectIdSchema, runIdSchema } from '#shared/model/units.ts';

/** A flag, which a VMM may keep as text. */
const flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((value) => value === 'true')]);

const instanceRecordSchema = z.object({
  id: instanceIdSchema,
  /** The state directory of the Firstlight that created it: other ones leave it alone. */
  home: z.string().min(1),
  projectId: projectIdSchema,
  functionName: z.string().min(1),
  imageId: imageIdSchema,
  bundleId: bundleIdSchema,
  imagePath: z.string().min(1),
  runtime: runtimeIdSchema,
  accel: accelSchema,
  startMode: startModeSchema,
  memoryMiB: z.coerce.number().int(),
  vcpus: z.coerce.number().int(),
  timeoutMs: z.coerce.number().int(),
  keep: flag,
  /** True for a kept instance whose first run has ended: it is of use without the process that started it. */
  firstRunEnded: flag.default(true),
  createdAt: z.string(),
  socketDir: z.string().min(1),
  /** The information for a session. Only its runtime reads it. */
  sessionInfo: z.string().nullable().default(null),
  /** The resource that no second instance can have at the same time. */
  exclusiveResource: z.enum(exclusiveResources).default('none'),
  runId: runIdSchema.nullable().default(null),
  owner: ownerSchema.extend({ pid: z.coerce.number().int() }),
});

/** The record that a machine carries as its metadata. Any Firstlight can read its owner, and adopt it. */
export type InstanceRecord = z.output<typeof instanceRecordSchema>;

/** The record in a machine's metadata, or null when this version does not understand it. */
export function readInstanceRecord(metadata: unknown): InstanceRecord | null {
  const parsed = instanceRecordSchema.safeParse(metadata);
  return parsed.success ? parsed.data : null;
}
