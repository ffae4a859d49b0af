import { accessSync, constants } from 'node:fs';
import { isAbsolute } from 'node:path';
import { findProgram } from '#core/exec/launch.ts';
import type { Settings } from '#core/store/settings.ts';
import { kvmPath } from '#core/vmm/kvm-access.ts';
import { FirstlightError } from '#shared/errors.ts';

/** The name of the host that is Firecracker on this machine. */
export const firecrackerHostName = 'firecracker';
export const firecrackerHint =
  'Put `firecracker` on PATH, or name it by FIRSTLIGHT_FIRECRACKER or the setting "firecracker". Firstlight downloads none.';

/** The path of the Firecracker of this user: FIRSTLIGHT_FIRECRACKER, the setting `firecracker`, PATH. Null without one. */
export async function findFirecracker(settings: Pick<Settings, 'get'>, env: NodeJS.ProcessEnv): Promise<string | null> {
  const { FIRSTLIGHT_FIRECRACKER: byEnv } = env;
  if (byEnv !== undefined && byEnv !== '') return byEnv;
  const { firecracker } = await settings.get();
  if (typeof firecracker === 'string' && firecracker !== '') return firecracker;
  return findProgram(['firecracker'], env);
}

/**
 * Checks whether Firecracker can be started. Each start asks, so it does not wait for a thread: 0.02 ms in place of 0.3,
 * or of tens on a busy machine.
 *
 * Errors: TOOL_MISSING, ACCEL_UNUSABLE.
 */
export function checkFirecracker(program: string): void {
  if (!isAbsolute(program) || !may(program, constants.X_OK)) {
    throw new FirstlightError('TOOL_MISSING', `There is no program ${program}.`, {
      hint: firecrackerHint,
      details: { subject: program },
    });
  }
  if (may(kvmPath, constants.R_OK | constants.W_OK)) return;
  throw new FirstlightError('ACCEL_UNUSABLE', `Firecracker needs ${kvmPath}, which is not there or closed to you.`, {
    hint: 'Join the group `kvm`, or run on a machine with KVM. Without it, libvirt emulates.',
  });
}

function may(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
