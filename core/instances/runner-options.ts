import type { Build } from '#core/images/image-store.ts';
import type { Sampler } from '#core/metrics/sampler.ts';
import type { Runtime } from '#core/runtime/runtime.ts';
import type { RunStore } from '#core/store/run-store.ts';
import type { Host } from '#core/vmm/host.ts';
import type { CallContext, CallRequest, EventListener } from '#shared/contract/index.ts';
import type { Project, RuntimeId } from '#shared/model/project.ts';
import type { ProjectId } from '#shared/model/units.ts';
import type { TickRate } from '#shared/timeline/index.ts';
import type { MapError } from './map-error.ts';
import type { PrestartPool } from './prestart-pool.ts';
import type { Registry } from './registry.ts';
import type { Snapshots } from './snapshots.ts';

/** The parts of the engine that a run uses. */
export interface RunnerOptions {
  /** The host of that name; this machine's without one. Errors: NOT_FOUND. */
  readonly getHost: (name: string | undefined) => Promise<Host>;
  /** The git commit that is checked out around a folder, or null. */
  readonly findCommit: (dir: string) => Promise<string | null>;
  readonly getProject: (id: ProjectId) => Promise<Project>;
  /** Builds, and announces it to listeners. */
  readonly build: (project: Project, context: CallContext) => Promise<Build>;
  /** A project with the build of its files, where it is known that none has changed since; else null. */
  readonly findKnown: (id: ProjectId) => { readonly project: Project; readonly build: Build } | null;
  /** Gets to know a build, so that the next run finds it. */
  readonly settle: (project: Project, build: Build) => Promise<void>;
  /** Errors: BAD_INPUT for a project whose runtime knows no arguments. */
  readonly requireArgs: (project: Project) => void;
  readonly runtimes: ReadonlyMap<RuntimeId, Runtime>;
  readonly runs: RunStore;
  readonly registry: Registry;
  readonly pool: PrestartPool;
  readonly snapshots: Snapshots;
  readonly sampler: Sampler;
  readonly mapError: MapError;
  /** The reason why starts take long on this machine, or null. */
  readonly explainSlowStarts: () => Promise<string | null>;
  /** The length of a tick, as the last run measured it. */
  readonly tickRate: { readonly get: () => TickRate | undefined; readonly set: (rate: TickRate) => void };
  readonly emit: EventListener;
}

export type RunRequest = CallRequest<'instances:run'>;
