import type { Build, ImageStore } from '#core/images/image-store.ts';
import type { LaunchSpec } from '#core/instances/types.ts';
import type { ProjectService } from '#core/projects/project-service.ts';
import type { Runtime } from '#core/runtime/runtime.ts';
import type { Host } from '#core/vmm/host.ts';
import type { CallContext, CallHandlers, EventListener } from '#shared/contract/index.ts';
import { toWireError } from '#shared/errors.ts';
import type { Project, RuntimeId } from '#shared/model/project.ts';
import { type AheadMode, isAheadMode } from '#shared/model/timeline.ts';
import type { ProjectId } from '#shared/model/units.ts';
import type { KnownBuild, KnownBuilds } from './known-builds.ts';

export interface BuildCallsOptions {
  readonly images: ImageStore;
  readonly runtimes: ReadonlyMap<RuntimeId, Runtime>;
  readonly projects: ProjectService;
  readonly known: KnownBuilds;
  /** Makes what a start in the spec's mode needs. */
  readonly makeAhead: (spec: LaunchSpec) => Promise<unknown>;
  /** The host of that name; this machine's without one. Errors: NOT_FOUND. */
  readonly getHost: (name: string | undefined) => Promise<Host>;
  readonly emit: EventListener;
  readonly log: (line: string) => void;
  /** The projects for which an instance is being made, for windows that open meanwhile; `onPreparing` announces a change. */
  readonly preparing: Set<ProjectId>;
  readonly onPreparing: () => void;
}

/** The calls `builds:*`, and the builds of runs, which are announced to listeners as well. */
export function buildCalls(options: BuildCallsOptions): {
  readonly calls: Pick<CallHandlers, 'builds:build' | 'builds:prestart'>;
  readonly build: (project: Project, context: CallContext) => Promise<Build>;
  /** The build of the files on disk, where it is known that none has changed since; else null. */
  readonly findKnown: (id: ProjectId) => KnownBuild | null;
} {
  const { images, runtimes, projects, known, makeAhead, getHost, emit, log, preparing, onPreparing } = options;

  function announcePreparing(projectId: ProjectId): () => void {
    // A second one is announced with the first.
    if (preparing.has(projectId)) return () => undefined;
    preparing.add(projectId);
    onPreparing();
    return () => {
      preparing.delete(projectId);
      onPreparing();
    };
  }

  async function build(project: Project, context: CallContext): Promise<Build> {
    emit('builds:started', { projectId: project.id });
    try {
      const built = await images.build(project, context);
      emit('builds:finished', { projectId: project.id, result: built.result, error: null });
      return built;
    } catch (thrown) {
      emit('builds:finished', { projectId: project.id, result: null, error: toWireError(thrown) });
      throw thrown;
    }
  }

  function findKnown(projectId: ProjectId): KnownBuild | null {
    const found = known.find(projectId);
    if (found === null) return null;
    emit('builds:started', { projectId });
    emit('builds:finished', { projectId, result: found.build.result, error: null });
    return found;
  }

  /**
   * Settles when the instance waits, or none could be made: the build is done, whether or not the instance succeeds.
   */
  async function prepareNext(
    project: Project,
    built: Build,
    { startMode, host: name }: { readonly startMode: AheadMode; readonly host?: string | undefined },
    context?: CallContext,
  ): Promise<void> {
    const { image, bundle } = built;
    const { config } = bundle;
    try {
      const host = await getHost(name);
      const { kind: accel } = await host.accelerator.choose(image.runtime, { path: image.path, config });
      await runtimes.get(image.runtime)?.probeHost?.({ config, accel, vmm: host.vmm, ...context });
      const projectId = project.id;
      const ofProject = { projectId, projectDir: project.dir, isTrusted: project.trusted, config, image };
      const next = makeAhead({ host, ...ofProject, startMode, accel, keep: false, runId: null });
      await Promise.all([next, known.settle(project, built)]);
    } catch (thrown) {
      log(`Could not make an instance of ${project.name} ahead: ${thrown}`);
    }
  }

  return {
    build,
    findKnown,
    calls: {
      'builds:build': async ({ projectId, startMode, host }, context) => {
        const project = await projects.get(projectId);
        const built = await build(project, context);
        if (isAheadMode(startMode)) void prepareNext(project, built, { startMode, host });
        return built.result;
      },
      'builds:prestart': async ({ projectId, ...next }, context) => {
        const project = await projects.get(projectId);
        const stopAnnouncing = announcePreparing(projectId);
        try {
          const built = await build(project, context);
          context.progress({ step: 'prestart', message: 'Creating the next instance' });
          const cancelled = new Promise<void>((resolve) => {
            context.signal.addEventListener('abort', () => resolve(), { once: true });
          });
          await Promise.race([prepareNext(project, built, next, context), cancelled]);
          return built.result;
        } finally {
          stopAnnouncing();
        }
      },
    },
  };
}
