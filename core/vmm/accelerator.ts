import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { toFirstlightError } from '#core/store/from-format-error.ts';
import type { Layout } from '#core/store/layout.ts';
import { readBootId } from '#core/store/owner.ts';
import { readJson } from '#core/store/read-json.ts';
import { writeAtomic } from '#core/store/write-atomic.ts';
import { type Accel, accelSchema } from '#shared/model/instance.ts';
import type { RuntimeId } from '#shared/model/project.ts';
import type { AccelChoice } from './accel-choice.ts';
import { isHiddenFromQemu, type KvmAccess, kvmPath, readKvmAccess } from './kvm-access.ts';
import type { ProbedImage, ProbeGuest } from './probe-guest.ts';
import { type KvmFinding, type KvmProbe, probeKvm } from './probe-kvm.ts';
import type { Vmm } from './vmm.ts';

/** Chooses for each runtime on one host: a KVM may run the kernel of one runtime and not of another. */
export interface Accelerator {
  /** The choice that was made last; null before the first one. */
  readonly known: (runtime: RuntimeId) => AccelChoice | null;
  /** The choice. The first time after a boot of the host, it is found by booting a guest, for at most 5 s. Errors: LIBVIRT_*. */
  readonly choose: (runtime: RuntimeId, image?: ProbedImage) => Promise<AccelChoice>;
  /** The choice by a new probe. */
  readonly probeAgain: (runtime: RuntimeId) => Promise<AccelChoice>;
}

export interface AcceleratorOptions {
  readonly vmm: Vmm;
  /** The host's name. Each host keeps its own findings. */
  readonly host: string;
  readonly layout: Layout;
  readonly version: string;
  /** The guest that represents a runtime's guests in a probe. */
  readonly guestOf: (runtime: RuntimeId, image: ProbedImage | null) => Promise<ProbeGuest>;
  /** The user's choice; nothing is probed then. */
  readonly fixed: Accel | undefined;
  readonly onKnown: () => void;
  readonly log: (line: string) => void;
  /** The users of /dev/kvm, and the boot of a guest in it: both replaced in tests. */
  readonly readAccess?: (() => Promise<KvmAccess | null>) | undefined;
  readonly probe?: ((probe: KvmProbe) => Promise<KvmFinding>) | undefined;
}

/** The accelerator of a VMM that has only KVM. */
export function kvmAlone(reason: string): Accelerator {
  const choice: AccelChoice = { kind: 'kvm', reason };
  return { known: () => choice, choose: async () => choice, probeAgain: async () => choice };
}

const savedSchema = z.object({
  key: z.string(),
  kind: accelSchema,
  reason: z.string(),
  details: z.string().optional(),
  untilMs: z.number().optional(),
});
/** A choice, and how long it counts. Units: ms since 1970. */
interface Found {
  readonly choice: AccelChoice;
  readonly untilMs?: number | undefined;
}

const isOver = ({ untilMs }: Pick<Found, 'untilMs'>) => untilMs !== undefined && Date.now() >= untilMs;
/** A probe without a clear result is repeated after this. */
const inconclusiveMs = 10 * 60_000;

/** An accelerator that chooses KVM where a guest boots in it, else emulation. Results are kept until the host reboots. */
export function createAccelerator(options: AcceleratorOptions): Accelerator {
  const {
    vmm,
    host,
    layout,
    version,
    guestOf,
    fixed,
    onKnown,
    log,
    readAccess = readKvmAccess,
    probe = probeKvm,
  } = options;
  const byHand: AccelChoice | null = fixed === undefined ? null : { kind: fixed, reason: 'chosen by hand' };
  const lastChoices = new Map<RuntimeId, AccelChoice>();
  /** Both by the guest's name. */
  const findings = new Map<string, Found>();
  const underWay = new Map<string, Promise<AccelChoice>>();
  const savedPathOf = (guest: ProbeGuest) => join(layout.probesDir, `accelerator-${host}-${guest.name}.json`);

  async function find(guest: ProbeGuest, fresh: boolean): Promise<Found> {
    // Of a socket that is no service's of this machine, where it leads is known only then.
    if (vmm.isElsewhere) await vmm.connect();
    // The device of another host cannot be looked at: there, the boot alone decides.
    const device = vmm.isRemote ? 'elsewhere' : await readAccess();
    if (device === null) return { choice: { kind: 'tcg', reason: `there is no ${kvmPath}` } };
    // A QEMU that may not open the device runs no guest in it: none needs to be booted.
    if (device !== 'elsewhere' && (await isClosed(device))) {
      return { choice: { kind: 'tcg', reason: `${kvmPath} is closed to QEMU's user` } };
    }
    // A change of any of these, or of the guest's name, may change the result.
    const key = [
      readBootId(),
      vmm.uri,
      JSON.stringify(await vmm.readVersions()),
      device === 'elsewhere' ? device : `${device.mode.toString(8)}:${device.uid}:${device.gid}`,
      version,
    ].join(' ');
    const saved = fresh ? null : await readSaved(savedPathOf(guest), key);
    if (saved !== null) return saved;
    const { conclusive, ...choice } = await probe({ vmm, layout, guest });
    const untilMs = conclusive ? undefined : Date.now() + inconclusiveMs;
    await save(savedPathOf(guest), { key, ...choice, untilMs });
    return { choice, untilMs };
  }

  async function readSaved(savedPath: string, key: string): Promise<Found | null> {
    const saved = await readJson(savedPath, savedSchema);
    if (!saved.ok || saved.value?.key !== key || isOver(saved.value)) return null;
    const { kind, reason, details, untilMs } = saved.value;
    return { choice: { kind, reason, details }, untilMs };
  }

  /** A failed write costs the next start a probe, but does not affect this one. */
  async function save(savedPath: string, found: z.input<typeof savedSchema>): Promise<void> {
    try {
      await layout.ensure(layout.probesDir);
      await writeAtomic(savedPath, JSON.stringify(found), { durable: false });
    } catch (thrown) {
      log(`The result of probing KVM could not be kept: ${toFirstlightError(thrown).message}`);
    }
  }

  async function isClosed(device: KvmAccess): Promise<boolean> {
    if (!vmm.runsAsThisUser) return isHiddenFromQemu(device);
    return await access(kvmPath, constants.R_OK | constants.W_OK).then(
      () => false,
      () => true,
    );
  }

  async function choose(runtime: RuntimeId, image: ProbedImage | null, fresh: boolean): Promise<AccelChoice> {
    if (byHand !== null) return byHand;
    const guest = await guestOf(runtime, image);
    const known = fresh ? undefined : findings.get(guest.name);
    const choice = known === undefined || isOver(known) ? await findOnce(guest, fresh) : known.choice;
    if (lastChoices.get(runtime) !== choice) {
      lastChoices.set(runtime, choice);
      onKnown();
    }
    return choice;
  }

  /** Callers at the same time share one probe. */
  function findOnce(guest: ProbeGuest, fresh: boolean): Promise<AccelChoice> {
    const finding =
      underWay.get(guest.name) ??
      find(guest, fresh)
        .then((found) => {
          findings.set(guest.name, found);
          return found.choice;
        })
        .finally(() => underWay.delete(guest.name));
    underWay.set(guest.name, finding);
    return finding;
  }

  return {
    known: (runtime) => byHand ?? lastChoices.get(runtime) ?? null,
    choose: (runtime, image) => choose(runtime, image ?? null, false),
    probeAgain: (runtime) => choose(runtime, null, true),
  };
}
