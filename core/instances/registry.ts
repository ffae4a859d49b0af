import { setTimeout as sleep } from 'node:timers/promises';
import type { Domain, LifecycleEvent } from 'node-libvirt';
import { isAlive, thisProcess } from '#core/store/owner.ts';
import { domainPrefix } from '#core/vmm/libvirt/domain-xml.ts';
import { withLibvirtErrors } from '#core/vmm/libvirt/to-firstlight-error.ts';
import { isSocketDirIn, removeInstanceDirs, removeLeftoverInstanceDirs } from '#core/vmm/socket-dir.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { Instance } from '#shared/model/instance.ts';
import type { InstanceId, ProjectId } from '#shared/model/units.ts';
import { endReasonOf } from './end-reason.ts';
import { type CreatingListener, type LaunchContext, type Launched, launchPaused, liveOptions } from './launch.ts';
import { LiveInstance } from './live-instance.ts';
import { type InstanceRecord, metadataNamespace, readMetadata } from './metadata.ts';
import type { InstanceListener, LaunchSpec } from './types.ts';

export interface RegistryOptions
  extends Omit<LaunchContext, 'onCreated' | 'onCreating' | 'onChange' | 'trackCreation'> {
  readonly onChange: InstanceListener;
  readonly onRemoved: (id: InstanceId) => void;
  readonly log: (line: string) => void;
}

/** Every instance that this Firstlight knows: its own, those kept from earlier, and those of others that live. */
export interface Registry {
  readonly list: () => Instance[];
  readonly live: () => LiveInstance[];
  /** Errors: NOT_FOUND. */
  readonly get: (id: InstanceId) => LiveInstance;
  readonly launch: (spec: LaunchSpec, onCreating?: CreatingListener) => Promise<Launched>;
  /**
   * Ends this program's own instances of a project that have what no second one can have, and waits for that, though not
   * for long: whoever comes then is told who has it. Those that are to be kept stay.
   */
  readonly release: (projectId: ProjectId) => Promise<void>;
  /**
   * Waits for domains that are being created for runs that were cancelled, and for stops under way, and ends those that have
   * volumes in good order, for at most so long.
   */
  readonly shutDownInstances: (withinMs: number) => Promise<void>;
  /** Stops it if it runs, and forgets it once it is gone. Errors: NOT_FOUND. */
  readonly remove: (id: InstanceId) => void;
  /**
   * Brings what is known in line with what libvirt has: takes over instances that were kept, ends those whose owner is
   * gone, removes what such owners left on disk. Never touches what belongs to a process that lives.
   * Errors: LIBVIRT_*.
   */
  readonly reconcile: () => Promise<void>;
  readonly onLifecycle: (event: LifecycleEvent) => void;
  /** The connection is gone: what waits for an answer fails; what idles is looked at again by `reconcile`. */
  readonly onLinkLost: () => void;
}

/** Stopping a domain takes up to 1.7 s where orphans are reaped late, and its guest may have to write first. */
const releaseMs = 6_000;
/** How many ended instances stay in the list, so that a person sees how they ended. */
const keptEnded = 50;

export function createRegistry(options: RegistryOptions): Registry {
  const { link, layout, runtimes, log } = options;
  const byId = new Map<InstanceId, LiveInstance>();
  const byUuid = new Map<string, LiveInstance>();
  /** To be forgotten as soon as libvirt has ended them. */
  const leaving = new Set<InstanceId>();
  /** Exist, and are not announced before their streams are open: whoever hears of one may use it. */
  const connecting = new Set<InstanceId>();

  function add(instance: LiveInstance): void {
    byId.set(instance.record.id, instance);
    byUuid.set(instance.domain.uuid, instance);
    onChange(instance.info);
    const over = [...byId.values()].filter((known) => known.isOver);
    for (const old of over.slice(0, Math.max(0, over.length - keptEnded))) forget(old);
  }

  function forget(instance: LiveInstance): void {
    byId.delete(instance.record.id);
    byUuid.delete(instance.domain.uuid);
    options.onRemoved(instance.record.id);
  }

  function onChange(info: Instance): void {
    if (connecting.has(info.id)) return;
    options.onChange(info);
    const instance = byId.get(info.id);
    if (instance?.isOver && leaving.delete(info.id)) forget(instance);
  }

  /** Never reject. Settle when nothing is left that libvirt was asked to create and nobody wants any more. */
  const creating = new Set<Promise<void>>();

  function trackCreation(done: Promise<void>): void {
    creating.add(done);
    void done.finally(() => creating.delete(done));
  }

  async function launch(spec: LaunchSpec, onCreating?: CreatingListener): Promise<Launched> {
    let created: LiveInstance | null = null;
    const onCreated = (instance: LiveInstance) => {
      created = instance;
      connecting.add(instance.record.id);
      add(instance);
    };
    try {
      return await launchPaused(spec, { ...options, onChange, onCreated, onCreating, trackCreation });
    } finally {
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

  /** The record of a domain of ours, of this home; null for any other domain. Errors: LIBVIRT_* when it cannot be told. */
  async function recordOf(domain: Domain): Promise<InstanceRecord | null> {
    if (!domain.name.startsWith(domainPrefix)) return null;
    const xml = await withLibvirtErrors(`read what ${domain.name} is`, () => domain.getMetadata(metadataNamespace));
    const record = xml === null ? null : await readMetadata(xml);
    if (record === null || record.home !== layout.dataDir) return null;
    // Its directory is removed with it, and whoever may define domains may write any path into one's metadata.
    return isSocketDirIn(layout.socketsDir, record.socketDir) ? record : null;
  }

  /** Takes a domain into the list, or ends it when nobody owns it any more. Errors: LIBVIRT_*. */
  async function adoptDomain(domain: Domain): Promise<InstanceRecord | null> {
    const known = byUuid.get(domain.uuid);
    if (known !== undefined) {
      known.rebind(domain);
      // Given up while libvirt was away, and still there now that it is back.
      if (known.isOver) void domain.destroy().catch((thrown) => log(`${known.record.id} still runs: ${thrown}`));
      return known.record;
    }
    const record = await recordOf(domain);
    if (record === null || byUuid.has(domain.uuid)) return null;
    const self = thisProcess();
    const mine = record.owner.pid === self.pid && isAlive(record.owner);
    // Created by this very process and not yet in the list: its launch adds it.
    if (mine) return record;
    const ownerLives = isAlive(record.owner);
    if (!ownerLives && !(record.keep && record.firstRunEnded)) {
      endOrphan(domain, record);
      return record;
    }
    const runtime = runtimes.get(record.runtime);
    if (runtime === undefined) return record;
    const { state } = await withLibvirtErrors(`look at ${record.id}`, () => domain.state());
    if (byUuid.has(domain.uuid)) return record;
    add(
      new LiveInstance({
        ...liveOptions({ ...options, onChange }, runtime),
        record,
        domain,
        state: state === 'paused' ? 'paused' : 'ready',
        ours: !ownerLives,
        onGone: async () => (ownerLives ? undefined : await removeDirs(record)),
      }),
    );
    return record;
  }

  function endOrphan(domain: Domain, record: InstanceRecord): void {
    log(`Ending ${record.id}: the process that started it is gone.`);
    domain.destroy().then(
      () => removeDirs(record),
      (thrown) => log(`${record.id} could not be ended: ${thrown}`),
    );
  }

  async function removeDirs({ id, socketDir }: InstanceRecord): Promise<void> {
    await removeInstanceDirs(layout, socketDir).catch((thrown) => log(`The files of ${id} are still there: ${thrown}`));
  }

  async function reconcile(): Promise<void> {
    const connection = await link.connection();
    // libvirt's list is of the moment it was asked: it says nothing of what is launched while it comes in.
    const knownBefore = [...byUuid.values()];
    const domains = await withLibvirtErrors('list the instances', () => connection.listDomains({ active: true }));
    const there = new Set(domains.map((domain) => domain.uuid));
    for (const instance of knownBefore)
      if (!instance.isOver && !there.has(instance.domain.uuid)) instance.ended('gone');
    const used = new Set<string>();
    let failure: unknown = null;
    for (const domain of domains) {
      try {
        const record = await adoptDomain(domain);
        if (record !== null) used.add(record.socketDir);
      } catch (thrown) {
        // One that ended meanwhile is no trouble; the others are still to be looked at.
        if (!(thrown instanceof FirstlightError && thrown.code === 'INSTANCE_LOST')) failure = thrown;
      }
    }
    // Whoever could not read what is there deletes nothing.
    if (failure !== null) throw failure;
    await removeLeftoverInstanceDirs(layout, used);
  }

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
    reconcile,
    onLifecycle(event) {
      const instance = byUuid.get(event.domain.uuid);
      if (instance === undefined) {
        // Another Firstlight of this user started one; it wrote its record before this event.
        if (event.event === 'started') void adoptDomain(event.domain).catch((thrown) => log(String(thrown)));
        return;
      }
      const reason = endReasonOf(event);
      if (reason !== null) instance.ended(reason);
      else if (event.event === 'suspended') instance.observe('paused');
      else if (event.event === 'resumed') instance.observe('running');
    },
    onLinkLost() {
      for (const instance of byUuid.values()) instance.linkLost();
    },
  };
}
