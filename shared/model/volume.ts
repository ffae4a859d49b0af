import { z } from 'zod';
import { volumeNameSchema } from './nanos.ts';
import { bytesSchema } from './units.ts';

/** A volume of this machine. Any function may mount it, one instance at a time. */
export const volumeSchema = z.object({
  name: volumeNameSchema,
  /** The TFS image. */
  path: z.string(),
  bytes: bytesSchema,
  /** What of it takes room on the host's disk. */
  usedBytes: bytesSchema,
  createdAt: z.string(),
  /** The instance that has it now. */
  usedBy: z.object({ instance: z.string(), since: z.string() }).nullable(),
});
export type Volume = z.output<typeof volumeSchema>;
