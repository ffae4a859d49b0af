import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Layout } from '#core/store/layout.ts';
import { thisProcess } from '#core/store/owner.ts';
import { toFirstlightError } from '#shared/errors.ts';
import { findFirmware } from './firmware.ts';
import { type Machine, machineNamePrefix } from './machine.ts';
import { createSocketDir, diskDirOf, removeInstanceDirs } from './socket-dir.ts';
import type { RunningMachine, Vmm } from './vmm.ts';

/** A guest that is booted only to check that it speaks. */
export interface BootProbe {
  readonly vmm: Vmm;
  readonly layout: Layout;
  /** A title that `virsh desc` prints. */
  readonly title: string;
  /** The action, for messages. Shape: follows "Could not". */
  readonly doing: string;
  /** Errors: an error of it makes the outcome `refused`. */
  readonly makeMachine: (makeDiskDir: () => Promise<string>) => Promise<Machine>;
  /** True for output that only a running guest prints. Default: any byte. */
  readonly isMarker?: ((chunk: Uint8Array) => boolean) | undefined;
  /** The longest silence of a running guest. */
  readonly patienceMs: number;
  /** The limit for the whole probe: a host that takes longer to create a machine is probed again later. */
  readonly totalMs: number;
}

/**
 * The outcome of a probe. Shape: `silent`: the guest was started and printed nothing, or ended before it did; `late`: the
 * time was too short; `refused`: it could not be started.
 */
export type ProbeOutcome =
  | { readonly kind: 'spoke' | 'silent' | 'late' }
  | { readonly kind: 'refused'; readonly cause: unknown };

/**
 * The outcome of booting a guest: whether it printed to its serial port. The guest and its files are removed when this
 * settles, unless that takes longer than the whole probe may.
 *
 * Errors: LIBVIRT_* when there is no connection, or it ended: that is no finding about the guest.
 */
export async function probeBoot(probe: BootProbe): Promise<ProbeOutcome> {
  const over = new AbortController();
  const late = sleep(probe.totalMs, undefined, { signal: over.signal }).then((): ProbeOutcome => ({ kind: 'late' }));
  const removals: Promise<unknown>[] = [];
  const booting = boot(probe, over.signal, (removal) => removals.push(removal));
  for (const one of [late, booting]) one.catch(() => undefined);
  try {
    const outcome = await Promise.race([booting, late]);
    // A command may end right after this: what is left then waits for the next one.
    await Promise.race([Promise.allSettled(removals), late]);
    return outcome;
  } finally {
    over.abort();
  }
}

/** `over` aborts when the caller stops waiting. The outcome does not wait for the removal, which `leave` gets. */
async function boot(
  probe: BootProbe,
  over: AbortSignal,
  leave: (removal: Promise<unknown>) => void,
): Promise<ProbeOutcome> {
  const { vmm, layout } = probe;
  await vmm.connect();
  const sockets = await createSocketDir(await layout.ensure(layout.socketsDir), thisProcess());
  const makeDiskDir = async () => {
    await layout.ensure(layout.disksDir);
    const dir = diskDirOf(layout, sockets.dir);
    await mkdir(dir, { mode: 0o755 });
    return dir;
  };
  let killing: Promise<void> = Promise.resolve();
  try {
    const placed = {
      name: `${machineNamePrefix}probe-${randomBytes(4).toString('hex')}`,
      uuid: randomUUID(),
      title: probe.title,
      machine: await probe.makeMachine(makeDiskDir),
      firmwarePath: findFirmware(),
      sockets,
    };
    const machine = await vmm.create(placed, { keep: false, metadata: null, doing: probe.doing });
    try {
      const { serial } = await machine.openConsole(sockets);
      return { kind: (await speaks(machine, serial, probe, over)) ? 'spoke' : 'silent' };
    } finally {
      // One that cannot be ended now ends with the connection.
      killing = machine.kill().catch(() => undefined);
    }
  } catch (cause) {
    if (vmm.state !== 'connected') throw toFirstlightError(cause);
    return { kind: 'refused', cause };
  } finally {
    leave(killing.then(() => removeInstanceDirs(layout, sockets.dir)));
  }
}

/** Resumes a guest. Shape: true when it prints before the patience is over, or the guest itself. */
async function speaks(
  machine: RunningMachine,
  console: Duplex,
  { isMarker = () => true, patienceMs }: BootProbe,
  over: AbortSignal,
): Promise<boolean> {
  const spoke = new Promise<boolean>((resolve) => {
    console.on('data', (chunk: Buffer) => isMarker(chunk) && resolve(true));
  });
  const ended = once(console, 'close').then(
    () => false,
    () => false,
  );
  const silent = sleep(patienceMs, false, { signal: over, ref: false });
  silent.catch(() => undefined);
  await machine.resume().doneNs;
  return await Promise.race([spoke, ended, silent]);
}
