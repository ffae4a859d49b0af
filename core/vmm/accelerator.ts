import { access, constants } from 'node:fs/promises';
import { basename, join } from 'node:path';
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
import { type KvmFinding, type KvmProbe, probeKvm } from './probe-kvm.ts';
import { makeReadableCopy } from './readable-copy.ts';
import type { Vmm } from './vmm.ts';

/** Chooses for each runtime on one host: a KVM may run the kernel of one runtime and not of another. */
export interface Accelerator {
  /** The choice, once it is known. */
  readonly known: (runtime: RuntimeId) => AccelChoice | null;
  /** The choice. The first time after a boot of the host, it is found by booting a guest, for at most 5 s. Errors: LIBVIRT_*. */
  readonly choose: (runtime: RuntimeId) => Promise<AccelChoice>;
  /** The choice by a new probe. */
  readonly probeAgain: (runtime: RuntimeId) => Promise<AccelChoice>;
}

export interface AcceleratorOptions {
  readonly vmm: Vmm;
  /** The host's name. Each host keeps its own findings. */
  readonly host: string;
  readonly layout: Layout;
  readonly version: string;
  /** The kernel that stands for a runtime's guests in a probe. Runtimes with the same one share what was found. */
  readonly kernelOf: (runtime: RuntimeId) => string;
  /** The user's choice; nothing is probed then. */
  readonly fixed: Accel | undefined;
  readonly onKnown: () => void;
  readonly log: (line: string) => void;
  /** The users of /dev/kvm, and the boot of a guest in it: both replaced in tests. */
  readonly readAccess?: (() => Promise<KvmAccess | null>) | undefined;
  readonly probe?: ((probe: KvmProbe) => Promise<KvmFinding>) | undefined;
}

const savedSchema = z.object({
  key: z.string(),
  kind: accelSchema,
  reason: z.string(),
  details: z.string().optional(),
  untilMs: z.number().optional(),
});
/** A probe without a clear result is repeated after this. */
const inconclusiveMs = 10 * 60_000;

/** An accelerator that chooses KVM where a guest boots in it, else emulation. Results are kept until the host reboots. */
export function createAccelerator(options: AcceleratorOptions): Accelerator {
  const {
    vmm,
    host,
    layout,
    version,
    kernelOf,
    fixed,
    onKnown,
    log,
    readAccess = readKvmAccess,
    probe = probeKvm,
  } = options;
  const byHand: AccelChoice | null = fixed === undefined ? null : { kind: fixed, reason: 'chosen by hand' };
  /** By the kernel's path. */
  const choices = new Map<string, AccelChoice>();
  const underWay = new Map<string, Promise<AccelChoice>>();
  const savedPathOf = (kernelPath: string) =>
    join(layout.probesDir, `accelerator-${host}-${basename(kernelPath, '.elf')}.json`);

  async function find(kernelPath: string, fresh: boolean): Promise<AccelChoice> {
    const device = await readAccess();
    if (device === null) return { kind: 'tcg', reason: `there is no ${kvmPath}` };
    // A QEMU that may not open the device runs no guest in it: none needs to be booted.
    if (await isClosed(device)) return { kind: 'tcg', reason: `${kvmPath} is closed to QEMU's user` };
    // A change of any of these may change the result. The kernel's file is not among them: each set-up writes it anew.
    const key = [
      readBootId(),
      vmm.uri,
      JSON.stringify(await vmm.readVersions()),
      `${device.mode.toString(8)}:${device.uid}:${device.gid}`,
      version,
    ].join(' ');
    const saved = fresh ? null : await readSaved(savedPathOf(kernelPath), key);
    if (saved !== null) return saved;
    const { conclusive, ...found } = await probe({
      vmm,
      layout,
      kernelPath: await makeReadableCopy(layout, kernelPath),
    });
    await save(savedPathOf(kernelPath), {
      key,
      ...found,
      ...(!conclusive && { untilMs: Date.now() + inconclusiveMs }),
    });
    return found;
  }

  async function readSaved(savedPath: string, key: string): Promise<AccelChoice | null> {
    const saved = await readJson(savedPath, savedSchema);
    if (!saved.ok || saved.value?.key !== key) return null;
    const { kind, reason, details, untilMs } = saved.value;
    return untilMs !== undefined && Date.now() >= untilMs ? null : { kind, reason, details };
  }

  /** A failed write costs the next start a probe, and this one nothing. */
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

  function choose(runtime: RuntimeId, fresh: boolean): Promise<AccelChoice> {
    const kernelPath = kernelOf(runtime);
    const known = byHand ?? (fresh ? undefined : choices.get(kernelPath));
    if (known !== undefined) return Promise.resolve(known);
    const finding =
      underWay.get(kernelPath) ??
      find(kernelPath, fresh)
        .then((found) => {
          choices.set(kernelPath, found);
          onKnown();
          return found;
        })
        .finally(() => underWay.delete(kernelPath));
    underWay.set(kernelPath, finding);
    return finding;
  }

  return {
    known: (runtime) => byHand ?? choices.get(kernelOf(runtime)) ?? null,
    choose: (runtime) => choose(runtime, false),
    probeAgain: (runtime) => choose(runtime, true),
  };
}
