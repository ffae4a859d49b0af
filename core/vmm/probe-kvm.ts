import type { Layout } from '#core/store/layout.ts';
import type { AccelChoice } from './accel-choice.ts';
import { probeBoot } from './probe-boot.ts';
import type { ProbeGuest } from './probe-guest.ts';
import type { Vmm } from './vmm.ts';

export interface KvmProbe {
  readonly vmm: Vmm;
  readonly layout: Layout;
  /**
   * The guest to boot. It runs the kernel that the runtime's functions run on: where KVM hangs, a smaller one that enters
   * long mode and writes a byte may still run (seen).
   */
  readonly guest: ProbeGuest;
}

/** A guest in a working KVM speaks within milliseconds; a loaded machine needs more. */
const patienceMs = 2_000;
const totalMs = 5_000;

/** The result of a probe. Shape: `conclusive` is false when the guest could not be started, or not in time. */
export interface KvmFinding extends AccelChoice {
  readonly conclusive: boolean;
}

/** The result of booting a guest under KVM, within 5 s. Errors: LIBVIRT_* of the connection. */
export async function probeKvm({ vmm, layout, guest }: KvmProbe): Promise<KvmFinding> {
  const outcome = await probeBoot({
    vmm,
    layout,
    title: 'Firstlight: does KVM work?',
    doing: 'find out whether KVM works',
    makeMachine: (makeDiskDir) => guest.makeMachine('kvm', makeDiskDir),
    isMarker: guest.isMarker,
    patienceMs,
    totalMs,
  });
  switch (outcome.kind) {
    case 'spoke':
      return { kind: 'kvm', reason: 'a guest booted in it', conclusive: true };
    case 'silent':
      return tcg('guests hang in KVM', `no sign of life within ${patienceMs / 1000} s`, true);
    case 'late':
      return tcg('KVM is not probed yet', `the VMM did not start a guest in ${totalMs / 1000} s`, false);
    case 'refused':
      return tcg('KVM cannot be used', firstLineOf(outcome.cause), false);
  }
}

const tcg = (reason: string, details: string, conclusive: boolean): KvmFinding => ({
  kind: 'tcg',
  reason,
  details,
  conclusive,
});

function firstLineOf(thrown: unknown): string {
  const [message = ''] = (thrown instanceof Error ? thrown.message : String(thrown)).split('\n');
  return message.trim();
}
