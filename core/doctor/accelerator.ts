import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { LibvirtLink } from '#core/libvirt/libvirt-link.ts';
import type { Resources } from '#core/resources.ts';
import type { Layout } from '#core/store/layout.ts';
import { readBootId } from '#core/store/owner.ts';
import { readJson } from '#core/store/read-json.ts';
import { goneAsUndefined, writeAtomic } from '#core/store/write-atomic.ts';
import { type Accel, accelSchema } from '#shared/model/instance.ts';
import { probeKvm } from './probe-kvm.ts';

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
  readonly resources: Pick<Resources, 'guestKernelPath'>;
  /** What a person decided; nothing is probed then. */
  readonly fixed: Accel | undefined;
  readonly onKnown: (choice: AccelChoice) => void;
}

const savedSchema = z.object({
  key: z.string(),
  kind: accelSchema,
  reason: z.string(),
  details: z.string().optional(),
});
const kvmPath = '/dev/kvm';

/** Chooses KVM where a guest boots in it, else emulation. What was found is kept until the host boots anew. */
export function createAccelerator(options: AcceleratorOptions): Accelerator {
  const { link, layout, resources, fixed, onKnown } = options;
  const savedPath = join(layout.probesDir, 'accelerator.json');
  let choice: AccelChoice | null = fixed === undefined ? null : { kind: fixed, reason: 'chosen by hand' };
  let choosing: Promise<AccelChoice> | null = null;

  async function find(fresh: boolean): Promise<AccelChoice> {
    const device = await stat(kvmPath).catch(goneAsUndefined);
    if (device === undefined) return { kind: 'tcg', reason: `there is no ${kvmPath}` };
    const connection = await link.connection();
    const { major, minor, release } = await connection.hypervisorVersion();
    const kernel = await stat(resources.guestKernelPath);
    // Whatever of this changes may change the answer.
    const key = [
      readBootId(),
      link.uri,
      `${major}.${minor}.${release}`,
      `${device.mode.toString(8)}:${device.uid}:${device.gid}`,
      `${kernel.size}:${kernel.mtimeMs}`,
    ].join(' ');
    const saved = await readJson(savedPath, savedSchema);
    if (!fresh && saved.ok && saved.value?.key === key) {
      const { kind, reason, details } = saved.value;
      return { kind, reason, details };
    }
    const found = await probeKvm({ link, layout, kernelPath: await readableKernel() });
    await layout.ensure(layout.probesDir);
    await writeAtomic(savedPath, JSON.stringify({ key, ...found }), { durable: false });
    return found;
  }

  /** The probe's kernel where QEMU's user may read it, which a person's own folders are not. */
  async function readableKernel(): Promise<string> {
    const bytes = await readFile(resources.guestKernelPath);
    const name = `probe-${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}.elf`;
    const path = join(await layout.ensure(layout.kernelsDir), name);
    if ((await stat(path).catch(goneAsUndefined)) === undefined) await writeAtomic(path, bytes, { mode: 0o644 });
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
