import { FirstlightError } from '#shared/errors.ts';

/** The error for a feature that a VMM cannot give a machine, raised before any start. */
export function unsupported(vmm: string, what: string, hint: string): FirstlightError {
  return new FirstlightError('MACHINE_UNSUPPORTED', `${vmm} cannot give a machine ${what}.`, {
    hint,
    details: { subject: vmm },
  });
}
