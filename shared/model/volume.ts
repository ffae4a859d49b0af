import { z } from 'zod';
import { bytesSchema } from './units.ts';
import { volumeNameSchema } from './volume-name.ts';

/** A volume of this machine. Any function may mount it, one instance at a time. */
export const volumeSchema = z.object({
  name: volumeNameSchema,
  /** The TFS image. */
  path: z.string(),
  bytes: bytesSchema,
  /** The space that it uses on the host's disk. */
  usedBytes: bytesSchema,
  createdAt: z.string(),
  /** The current user, and the start of its use; `instance` is null for a QEMU that Firstlight did not start. */
  usedBy: z.object({ instance: z.string().nullable(), since: z.string().nullable() }).nullable(),
});
export type Volume = z.output<typeof volumeSchema>;
