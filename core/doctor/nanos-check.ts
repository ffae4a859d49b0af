import { type Check, type DoctorContext, type Finding, ok } from './check.ts';

/** Says which release of Nanos there is. None is no fault: only functions on Nanos need one. */
export const nanosCheck: Check = { id: 'nanos', title: 'Nanos', look: lookAtNanos };

export async function lookAtNanos({ releases }: Pick<DoctorContext, 'releases'>): Promise<Finding> {
  const installed = await releases.list();
  const used = installed.find((release) => release.inUse);
  if (used !== undefined) return ok(`release ${used.version} is in use`, { nanos: used.version });
  return installed.length === 0
    ? ok('not installed; functions on Nanos need it: firstlight nanos install')
    : ok(`no release is in use; choose one: firstlight nanos use ${installed[0]?.version}`);
}
