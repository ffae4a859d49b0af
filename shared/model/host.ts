import { z } from 'zod';

/** The name of the host that always exists: this machine's libvirt. */
export const localHostName = 'local';

/** Shape: lower-case letters, digits and dashes; it begins with a letter or digit. */
export const hostNameSchema = z.string().regex(/^[a-z0-9][a-z0-9-]{0,30}$/);

/** A host as it is configured. */
export const hostEntrySchema = z.object({
  name: hostNameSchema,
  /** The address of its libvirt. */
  uri: z.string().min(1),
});
export type HostEntry = z.output<typeof hostEntrySchema>;

/** A host as it is now. */
export const hostSchema = hostEntrySchema.extend({
  state: z.enum(['connected', 'connecting', 'lost']),
  /** Why it is not connected, in a sentence or two; null while it is. */
  failure: z.string().nullable(),
});
export type HostInfo = z.output<typeof hostSchema>;
