import { z } from 'zod';

/** One check of `doctor`. `why` and `fix` are present when the status is not `ok`. */
export const doctorCheckSchema = z.object({
  id: z.string(),
  title: z.string(),
  status: z.enum(['ok', 'warning', 'failed']),
  /** The finding, in one sentence. */
  found: z.string(),
  why: z.string().nullable(),
  fix: z
    .object({
      /** The effect of the fix, in one sentence. */
      label: z.string(),
      /** The exact command a person can type. */
      command: z.string(),
      /** True when Firstlight may run it itself, as this user. */
      applicable: z.boolean(),
    })
    .nullable(),
});
export type DoctorCheck = z.output<typeof doctorCheckSchema>;

export const doctorReportSchema = z.object({
  ok: z.boolean(),
  uri: z.string(),
  accel: z.object({ kind: z.enum(['kvm', 'tcg']), reason: z.string() }).nullable(),
  versions: z.record(z.string(), z.string()),
  checks: z.array(doctorCheckSchema),
});
export type DoctorReport = z.output<typeof doctorReportSchema>;
