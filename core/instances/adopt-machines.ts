import type { Runtime } from '#core/runtime/runtime.ts';
import { isAlive, thisProcess } from '#core/store/owner.ts';
import type { Host } from '#core/vmm/host.ts';
import { isSocketDirIn, removeInstanceDirs, removeLeftoverInstanceDirs } from '#core/vmm/socket-dir.ts';
import type { RunningMachine } from '#core/vmm/vmm.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { RuntimeId } from '#shared/model/project.ts';
import { homeOf } from './home-of.ts';
import { type InstanceRecord, readInstanceRecord } from './instance-record.ts';
import { LiveInstance } from './live-instance.ts';
import type { InstanceListener } from './types.ts';

export interface AdopterOptions {
  readonly runtimes: ReadonlyMap<RuntimeId, Runtime>;
  readonly bootTimeoutMs: number;
  /** True for a machine of this list that was requested, and that no caller here waits for any more. */
  readonly isAbandoned: (id: InstanceRecord['id']) => boolean;
  /** The known instances, by their machines' uuids. */
  readonly byUuid: ReadonlyMap<string, LiveInstance>;
  readonly add: (instance: LiveInstance) => void;
  /** Called with the end of an orphan; settles when its machine is gone, or could not be ended. */
  readonly trackEnd: (done: Promise<void>) => void;
  readonly onChange: InstanceListener;
  readonly log: (line: string) => void;
}

/** Brings the list of instances in line with the machines that hosts have. */
export interface Adopter {
  /**
   * Takes over the instances of a host that were kept, ends those whose owner is gone, and removes the files that such
   * owners left. Instances of a live process are listed and left alone.
   *
   * Errors: LIBVIRT_*.
   */
  readonly reconcile: (host: Host, hosts: readonly Host[]) => Promise<void>;
  /**
   * Takes one machine into the list, or ends it when its owner is gone. Null for a machine that is not ours. Errors:
   * LIBVIRT_*.
   */
  readonly adopt: (host: Host, machine: RunningMachine) => Promise<InstanceRecord | null>;
}

export function createAdopter({
  runtimes,
  bootTimeoutMs,
  byUuid,
  isAbandoned,
  add,
  trackEnd,
  onChange,
  log,
}: AdopterOptions): Adopter {
  /** The socket directories in use on each host that was read completely. */
  const usedOn = new Map<string, ReadonlySet<string>>();

  /** The record of a machine of this home; null for any other machine. */
  async function recordOf(host: Host, machine: RunningMachine): Promise<InstanceRecord | null> {
    const { layout } = host;
    const record = readInstanceRecord(await machine.readMetadata());
    if (record === null || record.home !== homeOf(host)) return null;
    // Its directory is removed with it, and any user who may define domains may write any path into a domain's
    // metadata.
    return isSocketDirIn(layout.socketsDir, record.socketDir) ? record : null;
  }

  async function adopt(host: Host, machine: RunningMachine): Promise<InstanceRecord | null> {
    const known = byUuid.get(machine.uuid);
    if (known !== undefined) {
      if (known.host !== host) return known.record;
      known.rebind(machine);
      // It was given up while the host was away, and still runs now that the host is back.
      if (known.isOver) void machine.kill().catch((thrown) => log(`${known.record.id} still runs: ${thrown}`));
      return known.record;
    }
    const record = await recordOf(host, machine);
    if (record === null || byUuid.has(machine.uuid)) return null;
    const ownerLives = isAlive(record.owner);
    if (ownerLives && record.owner.pid === thisProcess().pid) {
      // Its launch adds it to the list, unless that has failed: the host was lost before it reported the machine.
      if (isAbandoned(record.id)) endOrphan(host, machine, record, 'its start has failed');
      return record;
    }
    if (!ownerLives && !(record.keep && record.firstRunEnded)) {
      endOrphan(host, machine, record, 'the process that started it is gone');
      return record;
    }
    const runtime = runtimes.get(record.runtime);
    if (runtime === undefined) return record;
    const state = (await machine.readState()) === 'paused' ? 'paused' : 'ready';
    if (byUuid.has(machine.uuid)) return record;
    const onGone = async () => (ownerLives ? undefined : await removeDirs(host, record));
    add(
      new LiveInstance({
        record,
        host,
        machine,
        state,
        runtime,
        ours: !ownerLives,
        onChange,
        onGone,
        bootTimeoutMs,
      }),
    );
    return record;
  }

  function endOrphan(host: Host, machine: RunningMachine, record: InstanceRecord, why: string): void {
    log(`Ending ${record.id}: ${why}.`);
    const ending = machine.kill().then(
      () => removeDirs(host, record),
      (thrown) => log(`${record.id} could not be ended: ${thrown}`),
    );
    // A short command would be over before.
    trackEnd(ending);
  }

  async function removeDirs({ layout }: Host, { id, socketDir }: InstanceRecord): Promise<void> {
    await removeInstanceDirs(layout, socketDir).catch((thrown) => log(`The files of ${id} are still there: ${thrown}`));
  }

  async function reconcile(host: Host, hosts: readonly Host[]): Promise<void> {
    usedOn.delete(host.name);
    // The list shows the moment of its request: it does not contain machines launched while it comes in.
    const knownBefore = [...byUuid.values()].filter((instance) => instance.host === host);
    const machines = await host.vmm.list();
    const there = new Set(machines.map(({ uuid }) => uuid));
    for (const instance of knownBefore) {
      if (!instance.isOver && !there.has(instance.machine.uuid)) instance.ended('gone');
    }
    const used = new Set<string>();
    let failure: unknown = null;
    for (const machine of machines) {
      try {
        const record = await adopt(host, machine);
        if (record !== null) used.add(record.socketDir);
      } catch (thrown) {
        // A machine that has ended since is not a failure; the others are still to be read.
        if (!(thrown instanceof FirstlightError && thrown.code === 'INSTANCE_LOST')) failure = thrown;
        // One that has fallen silent would be waited for once a machine.
        if (host.vmm.state === 'lost') break;
      }
    }
    // Nothing is deleted while a host could not be read: its machines may use it.
    if (failure !== null) throw failure;
    usedOn.set(host.name, used);
    const sharing = hosts.filter(({ layout }) => layout === host.layout);
    if (!sharing.every(({ name }) => usedOn.has(name))) return;
    const all = new Set(sharing.flatMap(({ name }) => [...(usedOn.get(name) ?? [])]));
    await removeLeftoverInstanceDirs(host.layout, all);
  }

  return { reconcile, adopt };
}
