import { type Finding, ok } from '#core/runtime/check.ts';
import { toFirstlightError } from '#core/store/from-format-error.ts';
import { firecrackerHint, firecrackerHostName } from '#core/vmm/firecracker/find-firecracker.ts';
import { probeKvm } from '#core/vmm/probe-kvm.ts';
import type { Check, DoctorContext } from './check.ts';

/** Checks that Firecracker is on this machine and boots a guest here. A warning at most: functions run without it. */
export const firecrackerCheck: Check = {
  id: firecrackerHostName,
  title: 'Firecracker',
  look: lookAtFirecracker,
};

async function lookAtFirecracker({ hosts, layout, runtimes: [runtime] }: DoctorContext): Promise<Finding> {
  const vmm = hosts.list().find(({ name }) => name === firecrackerHostName)?.vmm;
  if (vmm === undefined || runtime === undefined) {
    return ok('not installed; `firstlight run --vmm firecracker` needs it');
  }
  try {
    await vmm.connect();
    const versions = await vmm.readVersions();
    const { kind, reason, details } = await probeKvm({ vmm, layout, guest: await runtime.probeGuest(null) });
    if (kind === 'kvm') return ok(`${versions.firecracker}: a guest booted in it, ${vmm.confinement}`, versions);
    const found = `${versions.firecracker}: ${reason}${details === undefined ? '' : ` (${details})`}`;
    return { status: 'warning', found, why: 'Functions run on libvirt only.', versions };
  } catch (thrown) {
    const { message, hint } = toFirstlightError(thrown);
    const why = `Functions run on libvirt only. ${hint ?? firecrackerHint}`;
    return { status: 'warning', found: message, why };
  }
}
