import { FirstlightError } from '#shared/errors.ts';

/** The error for what a VMM cannot give a machine, raised before anything is started. */
export function unsupported(vmm: string, what: string, hint: string): FirstlightError {
  return new FirstlightError('MACHINE_UNSUPPORTED', `${vmm} cannot give a machine ${what}.`, {
    hint,
    details: { subject: vmm },
  });
}
