import { createHash } from 'node:crypto';
import { access, constants, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Layout } from '#core/store/layout.ts';
import { readBootId } from '#core/store/owner.ts';
import { readJson } from '#core/store/read-json.ts';
import type { Resources } from '#core/store/resources.ts';
import { undefinedIfMissing, writeAtomic } from '#core/store/write-atomic.ts';
import { FirstlightError, toFirstlightError } from '#shared/errors.ts';
import { type Accel, accelSchema } from '#shared/model/instance.ts';
import { isHiddenFromQemu, type KvmAccess, kvmPath, readKvmAccess } from './kvm-access.ts';
import type { LibvirtLink } from './libvirt/libvirt-link.ts';
import { withLibvirtErrors } from './libvirt/to-firstlight-error.ts';
import { type KvmFinding, type KvmProbe, probeKvm } from './probe-kvm.ts';

/** The accelerator to use, and why. */
export interface AccelChoice {
  readonly kind: Accel;
  /** A few words that go beside the accelerator's name. */
  readonly reason: string;
  /** What was seen, where the reason leaves it out. */
  readonly details?: string | undefined;
}

export interface Accelerator {
  /** The choice, when it is known already. */
  readonly known: () => AccelChoice | null;
  /** The choice; the first time on a host boot a guest is booted to find it, for at most a few seconds. Errors: LIBVIRT_*. */
  readonly choose: () => Promise<AccelChoice>;
  /** Forgets what was found and finds it anew. */
  readonly probeAgain: () => Promise<AccelChoice>;
}

export interface AcceleratorOptions {
  readonly link: LibvirtLink;
  readonly layout: Layout;
  readonly resources: Pick<Resources, 'guestKernelPath' | 'version'>;
  /** What a person decided; nothing is probed then. */
  readonly fixed: Accel | undefined;
  readonly onKnown: (choice: AccelChoice) => void;
  readonly log: (line: string) => void;
  /** Who may use /dev/kvm, and the boot of a guest in it: both replaced in tests. */
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
/** A machine that was too busy to tell is tried again after this. */
const inconclusiveMs = 10 * 60_000;

/** Chooses KVM where a guest boots in it, else emulation. What was found is kept until the host boots anew. */
export function createAccelerator(options: AcceleratorOptions): Accelerator {
  const { link, layout, resources, fixed, onKnown, log, readAccess = readKvmAccess, probe = probeKvm } = options;
  const savedPath = join(layout.probesDir, 'accelerator.json');
  let choice: AccelChoice | null = fixed === undefined ? null : { kind: fixed, reason: 'chosen by hand' };
  let choosing: Promise<AccelChoice> | null = null;

  async function find(fresh: boolean): Promise<AccelChoice> {
    const device = await readAccess();
    if (device === null) return { kind: 'tcg', reason: `there is no ${kvmPath}` };
    const connection = await link.connection();
    // A guest that may not open the device need not be booted to know that it will not run.
    if (await isClosed(device)) return { kind: 'tcg', reason: `${kvmPath} is closed to QEMU's user` };
    const { major, minor, release } = await withLibvirtErrors('ask libvirt for its QEMU', () =>
      connection.hypervisorVersion(),
    );
    // Whatever of this changes may change the answer. The kernel's file is not: each set-up writes it anew.
    const key = [
      readBootId(),
      link.uri,
      `${major}.${minor}.${release}`,
      `${device.mode.toString(8)}:${device.uid}:${device.gid}`,
      resources.version,
    ].join(' ');
    const saved = fresh ? null : await readSaved(key);
    if (saved !== null) return saved;
    const { conclusive, ...found } = await probe({ link, layout, kernelPath: await readableKernel() });
    await save({ key, ...found, ...(!conclusive && { untilMs: Date.now() + inconclusiveMs }) });
    return found;
  }

  async function readSaved(key: string): Promise<AccelChoice | null> {
    const saved = await readJson(savedPath, savedSchema);
    if (!saved.ok || saved.value?.key !== key) return null;
    const { kind, reason, details, untilMs } = saved.value;
    return untilMs !== undefined && Date.now() >= untilMs ? null : { kind, reason, details };
  }

  /** A disk that takes no more costs the next start a probe, and this one nothing. */
  async function save(found: z.input<typeof savedSchema>): Promise<void> {
    try {
      await layout.ensure(layout.probesDir);
      await writeAtomic(savedPath, JSON.stringify(found), { durable: false });
    } catch (thrown) {
      log(`What was found of KVM could not be kept: ${toFirstlightError(thrown).message}`);
    }
  }

  /** The system's daemon runs QEMU as a user of its own, a person's own daemon as that person. */
  async function isClosed(device: KvmAccess): Promise<boolean> {
    if (!/\/session\b/.test(link.uri) || process.getuid?.() === 0) return isHiddenFromQemu(device);
    return await access(kvmPath, constants.R_OK | constants.W_OK).then(
      () => false,
      () => true,
    );
  }

  /** The probe's kernel where QEMU's user may read it, which a person's own folders are not. */
  async function readableKernel(): Promise<string> {
    const bytes = await readFile(resources.guestKernelPath).catch((cause: unknown) => {
      throw new FirstlightError('KERNEL_MISSING', `The guest kernel is not at ${resources.guestKernelPath}.`, {
        hint: 'Run `npm start`, which builds it.',
        details: { subject: resources.guestKernelPath },
        cause,
      });
    });
    const name = `probe-${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}.elf`;
    const path = join(await layout.ensure(layout.kernelsDir), name);
    if ((await stat(path).catch(undefinedIfMissing)) === undefined) await writeAtomic(path, bytes, { mode: 0o644 });
    return path;
  }

  function choose(fresh: boolean): Promise<AccelChoice> {
    if (fixed !== undefined && choice !== null) return Promise.resolve(choice);
    if (choice !== null && !fresh) return Promise.resolve(choice);
    choosing ??= find(fresh)
      .then((found) => {
        choice = found;
        onKnown(found);
        return found;
      })
      .finally(() => {
        choosing = null;
      });
    return choosing;
  }

  return { known: () => choice, choose: () => choose(false), probeAgain: () => choose(true) };
}
