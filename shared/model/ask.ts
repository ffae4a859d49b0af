/** What a project asks for besides its own folder. */
import { z } from 'zod';

/** One thing that a project gets only when a person trusts it. Shape: `message` is one sentence for that person. */
export const askSchema = z.object({
  /** `file`: goes into the image; `program`: is run on this machine by a build. */
  kind: z.enum(['file', 'code', 'program', 'network', 'volume']),
  /** A path, or a name. */
  subject: z.string(),
  message: z.string(),
});
export type Ask = z.output<typeof askSchema>;
