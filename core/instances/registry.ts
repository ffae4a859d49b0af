import { setTimeout as sleep } from 'node:timers/promises';
import type { Host } from '#core/vmm/host.ts';
import type { VmmListener } from '#core/vmm/vmm.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { Instance } from '#shared/model/instance.ts';
import type { InstanceId, ProjectId } from '#shared/model/units.ts';
import { createAdopter } from './adopt-machines.ts';
import { type CreatingListener, type LaunchContext, type Launched, launchPaused } from './launch.ts';
import type { LiveInstance } from './live-instance.ts';
import type { InstanceListener, LaunchSpec } from './types.ts';

export interface RegistryOptions
  extends Omit<LaunchContext, 'onCreated' | 'onCreating' | 'onChange' | 'trackCreation'> {
  readonly onChange: InstanceListener;
  readonly onRemoved: (id: InstanceId) => void;
  readonly log: (line: string) => void;
}

/** The events of a host's machines that the registry needs. */
export type MachineListener = Omit<VmmListener, 'onState' | 'onReopened'>;

/**
 * Every instance on every host that this Firstlight knows: its own, those kept from earlier, and those of other live
 * processes.
 */
export interface Registry {
  readonly list: () => Instance[];
  readonly live: () => LiveInstance[];
  /** Errors: NOT_FOUND. */
  readonly get: (id: InstanceId) => LiveInstance;
  readonly launch: (spec: LaunchSpec, onCreating?: CreatingListener) => Promise<Launched>;
  /**
   * Ends this program's own instances of a project that use an exclusive resource, and waits a few seconds for their
   * end. Instances that are to be kept stay.
   */
  readonly release: (projectId: ProjectId) => Promise<void>;
  /**
   * Waits, for at most the given time, for orphans and machines whose creation was cancelled to end, for stops under way, and for the
   * regular end of instances with volumes.
   */
  readonly shutDownInstances: (withinMs: number) => Promise<void>;
  /** Stops it if it runs, and forgets it once it is gone. Errors: NOT_FOUND. */
  readonly remove: (id: InstanceId) => void;
  /** Brings the list in line with the machines of one host among `hosts`, as `Adopter` does. Errors: LIBVIRT_*. */
  readonly reconcile: (host: Host, hosts: readonly Host[]) => Promise<void>;
  /** Receives the events of a host's machines. */
  readonly listenerOf: (host: () => Host) => MachineListener;
  /** Forgets the instances of a host; they continue to run there. */
  readonly forgetHost: (name: string) => void;
}

/** Ending a machine takes up to 1.7 s where orphans are reaped late, and its guest may have to write first. */
const releaseMs = 6_000;
/** The number of ended instances that stay in the list, so that a person sees their end. */
const keptEnded = 50;

export function createRegistry(options: RegistryOptions): Registry {
  const { runtimes, bootTimeoutMs, log } = options;
  const byId = new Map<InstanceId, LiveInstance>();
  const byUuid = new Map<string, LiveInstance>();
  /** Instances to be forgotten as soon as their machines are gone. */
  const leaving = new Set<InstanceId>();
  /** Created, and announced once their streams are open: a client may use an announced instance at once. */
  const connecting = new Set<InstanceId>();

  function add(instance: LiveInstance): void {
    byId.set(instance.record.id, instance);
    byUuid.set(instance.machine.uuid, instance);
    onChange(instance.info);
    const over = [...byId.values()].filter((known) => known.isOver);
    for (const old of over.slice(0, Math.max(0, over.length - keptEnded))) forget(old);
  }

  function forget(instance: LiveInstance): void {
    byId.delete(instance.record.id);
    byUuid.delete(instance.machine.uuid);
    options.onRemoved(instance.record.id);
  }

  function onChange(info: Instance): void {
    if (connecting.has(info.id)) return;
    options.onChange(info);
    const instance = byId.get(info.id);
    if (instance?.isOver && leaving.delete(info.id)) forget(instance);
  }

  /** One promise for each cancelled creation, and each orphan that is ended. It settles when the machine is gone, and never rejects. */
  const creating = new Set<Promise<void>>();

  function trackCreation(done: Promise<void>): void {
    creating.add(done);
    void done.finally(() => creating.delete(done));
  }

  /** Requested here, and not known to be gone: a host that is lost may have created it, or not have ended it. */
  const asked = new Set<InstanceId>();
  const launching = new Set<InstanceId>();
  const isAbandoned = (id: InstanceId) => asked.has(id) && !launching.has(id);

  async function launch(spec: LaunchSpec, onCreating?: CreatingListener): Promise<Launched> {
    let created: LiveInstance | null = null;
    let id: InstanceId | null = null;
    const onAsked: CreatingListener = (instanceId, machineName) => {
      id = instanceId;
      asked.add(id);
      launching.add(id);
      onCreating?.(id, machineName);
    };
    const onCreated = (instance: LiveInstance) => {
      created = instance;
      void instance.gone.then(() => instance.endReason !== 'host-lost' && asked.delete(instance.record.id));
      connecting.add(instance.record.id);
      add(instance);
    };
    try {
      return await launchPaused(spec, { ...options, onChange, onCreated, onCreating: onAsked, trackCreation });
    } finally {
      if (id !== null) launching.delete(id);
      if (created !== null) reveal(created);
    }
  }

  function reveal({ record, info }: LiveInstance): void {
    connecting.delete(record.id);
    onChange(info);
  }

  const announced = () => [...byId.values()].filter((instance) => !connecting.has(instance.record.id));

  function get(id: InstanceId): LiveInstance {
    const instance = byId.get(id);
    if (instance !== undefined) return instance;
    throw new FirstlightError('NOT_FOUND', `There is no instance ${id}.`, { hint: '`firstlight ps` lists them.' });
  }

  const adopter = createAdopter({
    runtimes,
    bootTimeoutMs,
    byUuid,
    isAbandoned,
    add,
    trackEnd: trackCreation,
    onChange,
    log,
  });

  async function endAll(which: (instance: LiveInstance) => boolean, withinMs: number): Promise<void> {
    const ending = [...byId.values()].filter((instance) => instance.isMine && !instance.isOver && which(instance));
    for (const instance of ending) instance.stop();
    if (ending.length === 0) return;
    const gone = Promise.all(ending.map((instance) => instance.gone));
    await Promise.race([gone, sleep(withinMs, undefined, { ref: false })]);
  }

  return {
    list: () => announced().map((instance) => instance.info),
    live: () => announced().filter((instance) => !instance.isOver),
    get,
    launch,
    release: (projectId) =>
      endAll(
        ({ record }) => record.projectId === projectId && record.exclusiveResource !== 'none' && !record.keep,
        releaseMs,
      ),
    shutDownInstances: async (withinMs) => {
      const ending = endAll(
        ({ record, state }) => state === 'stopping' || (record.exclusiveResource === 'volumes' && !record.keep),
        withinMs,
      );
      await Promise.race([Promise.all([...creating, ending]), sleep(withinMs, undefined, { ref: false })]);
    },
    remove(id) {
      const instance = get(id);
      if (instance.isOver) return forget(instance);
      leaving.add(id);
      instance.stop();
    },
    reconcile: adopter.reconcile,
    listenerOf: (host) => ({
      // Another Firstlight of this user may have started it; it wrote its record before this event.
      onStarted: (machine) => {
        if (!byUuid.has(machine.uuid)) adopter.adopt(host(), machine).catch((thrown) => log(String(thrown)));
      },
      onEnded: (uuid, reason) => byUuid.get(uuid)?.ended(reason),
      onPaused: (uuid) => byUuid.get(uuid)?.observe('paused'),
      onResumed: (uuid) => byUuid.get(uuid)?.observe('running'),
      onLost: () => {
        for (const instance of byUuid.values()) if (instance.host === host()) instance.hostLost();
      },
    }),
    forgetHost(name) {
      for (const instance of [...byUuid.values()]) if (instance.host.name === name) forget(instance);
    },
  };
}
