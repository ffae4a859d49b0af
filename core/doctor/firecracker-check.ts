import { type Finding, ok } from '#core/runtime/check.ts';
import type { Runtime } from '#core/runtime/runtime.ts';
import { toFirstlightError } from '#core/store/from-format-error.ts';
import { firecrackerHint, firecrackerHostName } from '#core/vmm/firecracker/find-firecracker.ts';
import { type KvmProbe, probeKvm } from '#core/vmm/probe-kvm.ts';
import type { Vmm } from '#core/vmm/vmm.ts';
import type { Check, DoctorContext } from './check.ts';

/** Checks that Firecracker is on this machine and boots a guest here. A warning at most: functions run without it. */
export const firecrackerCheck: Check = {
  id: firecrackerHostName,
  title: 'Firecracker',
  look: lookAtFirecracker,
};

async function lookAtFirecracker({ hosts, layout, runtimes: [runtime, ...others] }: DoctorContext): Promise<Finding> {
  const vmm = hosts.list().find(({ name }) => name === firecrackerHostName)?.vmm;
  if (vmm === undefined || runtime === undefined) {
    return ok('not installed; `firstlight run --vmm firecracker` needs it');
  }
  try {
    await vmm.connect();
    const versions = await vmm.readVersions();
    const { kind, reason, details } = await probeKvm({ vmm, layout, guest: await runtime.probeGuest(null) });
    if (kind === 'kvm') {
      const refused = await refusedOf(others, { vmm, layout });
      const booted = `${versions.firecracker}: a guest booted in it, ${vmm.confinement}`;
      return ok([booted, ...networkOf(vmm), ...refused].join('; '), versions);
    }
    const found = `${versions.firecracker}: ${reason}${details === undefined ? '' : ` (${details})`}`;
    return { status: 'warning', found, why: 'Functions run on libvirt only.', versions };
  } catch (thrown) {
    const { message, hint } = toFirstlightError(thrown);
    const why = `Functions run on libvirt only. ${hint ?? firecrackerHint}`;
    return { status: 'warning', found: message, why };
  }
}

/** Why its guests can have no network, with what to do. Empty where they can. */
function networkOf({ whyNoNetwork }: Vmm): string[] {
  const failure = whyNoNetwork?.() ?? null;
  return failure === null ? [] : [`no functions with a network: ${[failure.message, failure.hint ?? ''].join(' ')}`];
}

/** The runtimes whose guests do not boot in it, each with the reason. One without a kernel is left out. */
async function refusedOf(runtimes: readonly Runtime[], probe: Omit<KvmProbe, 'guest'>): Promise<string[]> {
  const found: string[] = [];
  for (const { id, probeGuest } of runtimes) {
    const guest = await probeGuest(null).catch(() => null);
    if (guest === null) continue;
    const { kind, reason, details } = await probeKvm({ ...probe, guest });
    if (kind !== 'kvm') found.push(`${id} runs on libvirt only: ${details ?? reason}`);
  }
  return found;
}
