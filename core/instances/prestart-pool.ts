import type { ProjectConfig } from '#shared/model/project.ts';
import type { InstanceId, ProjectId } from '#shared/model/units.ts';
import type { Launched } from './launch.ts';
import type { LiveInstance } from './live-instance.ts';
import type { LaunchSpec } from './types.ts';

/** Paused instances that wait for a run, at most one for a project. */
export interface PrestartPool {
  /**
   * Creates an instance that waits for this start, in place of one for an older image. Settles when it waits, or could
   * not be created. No instance is prestarted for a function whose instances use an exclusive resource.
   */
  readonly prepare: (spec: LaunchSpec) => Promise<void>;
  /** The instance that waits for exactly this start, taken out of the pool. One that is being created is waited for. */
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
  readonly launched: Promise<Launched>;
  /** Settles when it waits or could not be created; never rejects. */
  readonly settled: Promise<void>;
  instance: LiveInstance | null;
  readonly timer: NodeJS.Timeout;
}

/** Each takes some 40 MB for QEMU; two are enough for a user who alternates between two functions. */
const defaultMaxInstances = 2;
const defaultIdleMs = 10 * 60_000;

export function createPrestartPool(options: PrestartPoolOptions): PrestartPool {
  const { launch, isExclusive, log, maxInstances = defaultMaxInstances, idleMs = defaultIdleMs } = options;
  // In the order of use: the first was prepared longest ago.
  const entries = new Map<ProjectId, Entry>();
  let closed = false;

  function drop(projectId: ProjectId): void {
    const entry = entries.get(projectId);
    if (entry === undefined) return;
    release(projectId, entry);
    entry.launched.then(({ instance }) => instance.stop()).catch(() => undefined);
  }

  function release(projectId: ProjectId, entry: Entry): void {
    clearTimeout(entry.timer);
    if (entries.get(projectId) === entry) entries.delete(projectId);
  }

  return {
    async prepare(spec) {
      // An exclusive resource must be free when the function is run.
      if (closed || isExclusive(spec.config)) return;
      const { projectId } = spec;
      const waiting = entries.get(projectId);
      if (waiting !== undefined && fits(waiting, spec)) return await waiting.settled;
      drop(projectId);
      for (const oldest of [...entries.keys()].slice(0, Math.max(0, entries.size + 1 - maxInstances))) drop(oldest);
      const timer = setTimeout(() => drop(projectId), idleMs).unref();
      const launched = launch(spec);
      const settled = launched.then(
        ({ instance }) => {
          entry.instance = instance;
        },
        (thrown) => {
          release(projectId, entry);
          log(`Could not prestart ${spec.config.name}: ${thrown instanceof Error ? thrown.message : thrown}`);
        },
      );
      const entry: Entry = { spec, launched, settled, instance: null, timer };
      entries.set(projectId, entry);
      await settled;
    },
    async take(spec) {
      const entry = entries.get(spec.projectId);
      if (entry === undefined || !fits(entry, spec)) return null;
      release(spec.projectId, entry);
      try {
        const launched = await entry.launched;
        return launched.instance.state === 'prestarted' ? launched : null;
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

/** True when a waiting instance matches the start of a run: same host, same image, same machine, and still there. */
function fits(entry: Entry, spec: LaunchSpec): boolean {
  const { host, config, image, accel } = entry.spec;
  return (
    host.name === spec.host.name &&
    image.id === spec.image.id &&
    accel === spec.accel &&
    config.memoryMiB === spec.config.memoryMiB &&
    config.vcpus === spec.config.vcpus &&
    (entry.instance === null || entry.instance.state === 'prestarted')
  );
}
