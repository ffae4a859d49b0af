/** The requests of a project for access beyond its own folder. */
import { z } from 'zod';

/** One request, granted only when a person trusts the project. Shape: `message` is one sentence for that person. */
export const askSchema = z.object({
  /** `file`: goes into the image; `program`: a build runs it on this machine. */
  kind: z.enum(['file', 'code', 'program', 'network', 'volume']),
  /** A path, or a name. */
  subject: z.string(),
  message: z.string(),
});
export type Ask = z.output<typeof askSchema>;
