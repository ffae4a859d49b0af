import { hostNow } from '#core/store/host-clock.ts';
import type { ProjectConfig } from '#shared/model/project.ts';
import type { HostNs, InstanceId, ProjectId } from '#shared/model/units.ts';
import type { Launched } from './launch.ts';
import { isWaiting, type LiveInstance } from './live-instance.ts';
import type { LaunchSpec } from './types.ts';

/** Instances that wait for a run, paused or booted, at most one for a project. */
export interface PrestartPool {
  /**
   * Makes an instance that waits for this start, in place of one for an older image or another mode. Settles when it
   * waits, or could not be made. None is made for a function whose instances use an exclusive resource.
   */
  readonly prepare: (spec: LaunchSpec) => Promise<void>;
  /**
   * As `prepare`, unless an instance of the project waits already, or is being made, for a later request than one of
   * `askedNs`: of two runs in two modes, the second says what the next one needs. Units: host clock ns.
   */
  readonly refill: (spec: LaunchSpec, askedNs: HostNs) => Promise<void>;
  /** The instance that waits for exactly this start, taken out of the pool. One that is being made is waited for. */
  readonly take: (spec: LaunchSpec) => Promise<Launched | null>;
  readonly has: (id: InstanceId) => boolean;
  /** Ends the waiting instances of a project. */
  readonly drop: (projectId: ProjectId) => void;
  readonly close: () => void;
}

export interface PrestartPoolOptions {
  readonly launch: (spec: LaunchSpec) => Promise<Launched>;
  /** True for a function whose instances use an exclusive resource. */
  readonly isExclusive: (config: ProjectConfig) => boolean;
  readonly log: (line: string) => void;
  readonly maxInstances?: number;
  readonly idleMs?: number;
}

interface Entry {
  readonly spec: LaunchSpec;
  /** The time of the request that it was made for. Units: host clock ns. */
  readonly askedNs: HostNs;
  readonly launched: Promise<Launched>;
  /** Settles when it waits or could not be made; never rejects. */
  readonly settled: Promise<void>;
  instance: LiveInstance | null;
  isSettled: boolean;
  isDropped: boolean;
  readonly timer: NodeJS.Timeout;
}

/** Each takes some 40 MB for QEMU; two are enough for a user who alternates between two functions. */
const defaultMaxInstances = 2;
const defaultIdleMs = 10 * 60_000;
/** Waiting instances of one start that end by themselves one after another: a guest that always does is given up. */
const maxReplacements = 3;

export function createPrestartPool(options: PrestartPoolOptions): PrestartPool {
  const { launch, isExclusive, log, maxInstances = defaultMaxInstances, idleMs = defaultIdleMs } = options;
  // In the order of use: the first was prepared longest ago.
  const entries = new Map<ProjectId, Entry>();
  let closed = false;

  function drop(projectId: ProjectId): void {
    const entry = entries.get(projectId);
    if (entry === undefined) return;
    release(projectId, entry);
    entry.isDropped = true;
    entry.instance?.stop();
  }

  function release(projectId: ProjectId, entry: Entry): void {
    clearTimeout(entry.timer);
    if (entries.get(projectId) === entry) entries.delete(projectId);
  }

  function make(spec: LaunchSpec, askedNs: HostNs, replacements: number): Entry {
    const { projectId } = spec;
    for (const oldest of [...entries.keys()].slice(0, Math.max(0, entries.size + 1 - maxInstances))) drop(oldest);
    const timer = setTimeout(() => drop(projectId), idleMs).unref();
    const launched = launch(spec).then(async (created) => {
      const { instance } = created;
      entry.instance = instance;
      if (entry.isDropped) instance.stop();
      if (spec.startMode !== 'prebooted' || entry.isDropped) return created;
      return { instance, times: { ...created.times, booted: await instance.bootAhead() } };
    });
    const settled = launched.then(
      ({ instance }) => {
        entry.isSettled = true;
        void instance.gone.then(() => replaceLost(entry, replacements));
      },
      (thrown) => {
        entry.isSettled = true;
        release(projectId, entry);
        if (entry.isDropped) return;
        log(`No ${spec.startMode} ${spec.config.name}: ${thrown instanceof Error ? thrown.message : thrown}`);
      },
    );
    const entry: Entry = {
      spec,
      askedNs,
      launched,
      settled,
      instance: null,
      isSettled: false,
      isDropped: false,
      timer,
    };
    entries.set(projectId, entry);
    return entry;
  }

  /** Makes another one in place of an instance that ended by itself while it waited. */
  function replaceLost(entry: Entry, replacements: number): void {
    const { spec, askedNs, instance } = entry;
    if (entries.get(spec.projectId) !== entry) return;
    release(spec.projectId, entry);
    if (closed || instance?.state !== 'failed') return;
    log(`The ${spec.startMode} instance ${instance.record.id} ended while it waited.`);
    if (replacements < maxReplacements) make(spec, askedNs, replacements + 1);
  }

  async function prepare(spec: LaunchSpec, askedNs = hostNow()): Promise<void> {
    // An exclusive resource must be free when the function is run.
    if (closed || isExclusive(spec.config)) return;
    const waiting = entries.get(spec.projectId);
    if (waiting !== undefined && fits(waiting, spec)) return await waiting.settled;
    drop(spec.projectId);
    await make(spec, askedNs, 0).settled;
  }

  return {
    prepare: (spec) => prepare(spec),
    refill: async (spec, askedNs) => {
      const waiting = entries.get(spec.projectId);
      if (waiting === undefined || waiting.askedNs < askedNs) await prepare(spec, askedNs);
    },
    async take(spec) {
      const entry = entries.get(spec.projectId);
      if (entry === undefined || !fits(entry, spec)) return null;
      release(spec.projectId, entry);
      try {
        const launched = await entry.launched;
        return isWaiting(launched.instance.state) ? launched : null;
      } catch {
        // The reason was logged. The caller creates one now, and gets the error there.
        return null;
      }
    },
    has: (id) => [...entries.values()].some(({ instance }) => instance?.record.id === id),
    drop,
    close() {
      closed = true;
      for (const projectId of [...entries.keys()]) drop(projectId);
    },
  };
}

/** True when a waiting instance matches the start of a run: same host, image, machine and mode, and still there. */
function fits(entry: Entry, spec: LaunchSpec): boolean {
  const { host, config, image, accel, startMode } = entry.spec;
  return (
    host.name === spec.host.name &&
    image.id === spec.image.id &&
    accel === spec.accel &&
    startMode === spec.startMode &&
    config.memoryMiB === spec.config.memoryMiB &&
    config.vcpus === spec.config.vcpus &&
    (!entry.isSettled || (entry.instance !== null && isWaiting(entry.instance.state)))
  );
}
