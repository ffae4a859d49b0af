import { z } from 'zod';
import { doctorReportSchema } from '../model/doctor.ts';
import { call } from './define.ts';

export const doctorCalls = {
  /** `fresh` repeats the probes whose results are kept per host boot. */
  'doctor:run': call(z.strictObject({ fresh: z.boolean().default(false) }), doctorReportSchema),
  /** Applies the fix of one check and answers with a fresh report. Errors: BAD_INPUT when it has no applicable fix. */
  'doctor:fix': call(z.strictObject({ checkId: z.string() }), doctorReportSchema),
};
