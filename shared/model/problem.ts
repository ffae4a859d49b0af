import { z } from 'zod';

/** The schema of `Problem` (`shared/errors.ts`). Units: line and column count from 1. */
export const problemSchema = z.object({
  severity: z.enum(['error', 'warning']),
  message: z.string(),
  file: z.string().optional(),
  line: z.number().int().optional(),
  column: z.number().int().optional(),
  lineText: z.string().optional(),
});
