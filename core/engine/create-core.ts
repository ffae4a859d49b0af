import { availableParallelism } from 'node:os';
import { createBundler } from '#core/bundle/bundler.ts';
import { createDoctor } from '#core/doctor/doctor.ts';
import { imageCalls, imageStreams } from '#core/images/image-calls.ts';
import { createImageStore } from '#core/images/image-store.ts';
import { importCalls } from '#core/imports/import-calls.ts';
import { instanceCalls, instanceStreams } from '#core/instances/instance-calls.ts';
import { createErrorMapper } from '#core/instances/map-error.ts';
import { createPrestartPool } from '#core/instances/prestart-pool.ts';
import { createRegistry } from '#core/instances/registry.ts';
import { createRunner } from '#core/instances/run-function.ts';
import { createSampler } from '#core/metrics/sampler.ts';
import { findCommit } from '#core/projects/find-commit.ts';
import { createProjectService } from '#core/projects/project-service.ts';
import { createHostRates } from '#core/runtime/host-rates.ts';
import type { RuntimeDefinition } from '#core/runtime/runtime.ts';
import { mapFormatErrors, toFirstlightError } from '#core/store/from-format-error.ts';
import { createLayout } from '#core/store/layout.ts';
import type { Resources } from '#core/store/resources.ts';
import { createRunStore } from '#core/store/run-store.ts';
import { createSettings } from '#core/store/settings.ts';
import { sweepTemps } from '#core/store/sweep-temps.ts';
import { createAccelerator } from '#core/vmm/accelerator.ts';
import { explainSlowStarts } from '#core/vmm/kvm-access.ts';
import { chooseUri } from '#core/vmm/libvirt/choose-uri.ts';
import { createLibvirtLink } from '#core/vmm/libvirt/libvirt-link.ts';
import { volumeCalls } from '#core/volumes/volume-calls.ts';
import { createVolumes } from '#core/volumes/volumes.ts';
import type { CallHandlers, Engine, EventListener } from '#shared/contract/index.ts';
import type { Accel, Instance } from '#shared/model/instance.ts';
import { buildCalls } from './build-calls.ts';
import { runtimes as builtInRuntimes } from './runtimes.ts';

export interface CoreOptions {
  readonly resources: Resources;
  /** Overrides all places for state: for tests, and for FIRSTLIGHT_HOME. */
  readonly home?: string | undefined;
  readonly uri?: string | undefined;
  readonly accel?: Accel | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly log?: ((line: string) => void) | undefined;
  /** How long an instance may take to come up. Default: 30 s, which an emulated guest on a busy machine stays far under. */
  readonly bootTimeoutMs?: number | undefined;
  /** The runtimes there are; the first one is the default. Default: those of Firstlight. */
  readonly runtimes?: readonly RuntimeDefinition[] | undefined;
}

/** The engine with its end. */
export interface Core extends Engine {
  /** Ends what is ours: instances that were not to be kept, workers, the connection. Takes well under a second. */
  readonly close: () => Promise<void>;
}

const defaultBootTimeoutMs = 30_000;
/** Closing never waits for longer: what is left ends with the process. */
const closeTimeoutMs = 1_500;
/** Creations that are to be undone, stops under way and guests that write to their volumes are each waited for this long. */
const shutdownTimeoutMs = 2_500;
/** A libvirt that was not there is looked for again this often. */
const retryMs = 5_000;
/** Images, with the bases that they stand on, are dropped beyond this, least used first. */
const imagesMaxBytes = 2 * 1024 ** 3;

/** The engine: everything put together, nothing begun that a first call does not need. */
export async function createCore(options: CoreOptions): Promise<Core> {
  const { resources, env = process.env, log = () => undefined, runtimes: definitions = builtInRuntimes } = options;
  const uid = process.getuid?.() ?? 0;
  const layout = createLayout({ home: options.home, env, uid });
  const listeners = new Set<EventListener>();
  const emit: EventListener = (name, payload) => {
    for (const listener of listeners) listener(name, payload);
  };
  const closing = new AbortController();

  const uri = chooseUri(options.uri, env, uid);
  const link = createLibvirtLink(uri, {
    onState: () => announce(),
    onLifecycle: (event) => registry.onLifecycle(event),
    onLost: () => registry.onLinkLost(),
    onReopened: () => reconcile(),
  });
  const rates = createHostRates(layout);
  const volumes = createVolumes({ layout, onChange: (volumes) => emit('volumes:changed', { volumes }) });
  const context = { layout, resources, link, volumes, rates, env, emit, log };
  const runtimes = new Map(
    await Promise.all(definitions.map(async ({ id, create }) => [id, await create(context)] as const)),
  );
  const bundler = createBundler({ layout, version: resources.version, shimsDir: resources.shimsDir, runtimes });
  const images = createImageStore({ layout, bundler, runtimes });
  const runs = createRunStore(layout, { log });
  const settings = createSettings(layout, log);

  const accelerator = createAccelerator({
    link,
    layout,
    version: resources.version,
    kernelOf: (runtime) => runtimes.get(runtime)?.probeKernelPath ?? resources.ordinaryKernelPath,
    fixed: options.accel ?? accelOf(env),
    onKnown: () => announce(),
    log,
  });
  const registry = createRegistry({
    link,
    layout,
    runtimes,
    bootTimeoutMs: options.bootTimeoutMs ?? defaultBootTimeoutMs,
    onChange: (instance) => emit('instances:changed', { instance }),
    onRemoved: (instanceId) => {
      sampler.forget(instanceId);
      emit('instances:removed', { instanceId });
    },
    log,
  });
  const sampler = createSampler({
    link,
    live: registry.live,
    onSamples: (samples) => emit('metrics:sampled', { samples }),
  });
  const pool = createPrestartPool({
    launch: registry.launch,
    isExclusive: (config) => runtimes.get(config.runtime)?.exclusiveResourceOf(config) !== 'none',
    log,
  });
  const projects = createProjectService({
    layout,
    resources,
    runtimes: definitions,
    emit,
    log,
    onClosed: (projectId) => {
      pool.drop(projectId);
      void bundler.release(projectId);
    },
  });
  const doctor = createDoctor({ link, layout, resources, accelerator, runtimes: [...runtimes.values()], uid });

  const info = () => ({
    version: resources.version,
    uri,
    accel: accelerator.known(definitions[0]?.id ?? ''),
    connection: link.state,
    cpus: availableParallelism(),
    projectsDir: layout.projectsDir,
  });
  const announce = () => emit('app:changed', info());

  const building = buildCalls({ images, runtimes, projects, pool, accelerator, emit, log });
  const mapError = createErrorMapper(bundler.load);
  const run = createRunner({
    link,
    findCommit,
    getProject: projects.get,
    build: building.build,
    runtimes,
    runs,
    registry,
    pool,
    sampler,
    accelerator,
    mapError,
    explainSlowStarts: () => explainSlowStarts(uid),
    tickRate: rates.tick,
    emit,
  });

  /** In the background: a person may look at projects and runs while libvirt is not there. */
  const reconcile = () => {
    reconciled = registry.reconcile().then(
      () => {
        lastTrouble = '';
      },
      (thrown) => {
        const trouble = toFirstlightError(thrown).message;
        if (trouble !== lastTrouble && !closing.signal.aborted) log(trouble);
        lastTrouble = trouble;
      },
    );
  };
  let reconciled: Promise<void> = Promise.resolve();
  let lastTrouble = '';
  sweepTemps(layout).catch((thrown) => log(`Half-written files stay: ${toFirstlightError(thrown).message}`));
  const recovered = runs.recover().then(
    () => undefined,
    (thrown) => log(`Runs of earlier sessions could not be looked through: ${toFirstlightError(thrown).message}`),
  );
  reconcile();
  const retry = setInterval(() => link.state === 'lost' && reconcile(), retryMs).unref();

  const calls = mapFormatErrors<CallHandlers>({
    'app:info': info,
    'settings:get': () => settings.get(),
    'settings:set': async ({ values }) => {
      await settings.set(values);
      return null;
    },
    ...projects.calls,
    ...imageCalls({
      images,
      listProjects: projects.list,
      listInUse: () =>
        new Map(
          registry
            .list()
            .filter(isAlive)
            .map((instance) => [instance.imageId, instance.id] as const),
        ),
    }),
    ...importCalls({
      layout,
      schemaPath: resources.schemaPath,
      runtimes: definitions,
      env,
      getProject: projects.get,
      openProject: projects.open,
    }),
    ...Object.assign({}, ...[...runtimes.values()].map((runtime) => runtime.calls)),
    'runtimes:list': () =>
      definitions.map(({ id, title, description, defaultMemoryMiB, runsPrograms }, index) => ({
        id,
        title,
        description,
        defaultMemoryMiB,
        runsPrograms,
        isDefault: index === 0,
      })),
    ...volumeCalls(volumes),
    ...building.calls,
    ...instanceCalls({ registry, run, sampler, mapError, reconciled: () => reconciled }),
    'runs:list': async (filter, { signal }) => {
      await recovered;
      return await runs.list({ ...filter, signal });
    },
    'runs:get': ({ runId }) => runs.get(runId),
    'runs:remove': async ({ runId }) => {
      await runs.remove(runId);
      emit('runs:removed', { runId });
      return null;
    },
    'doctor:run': ({ fresh }) => doctor.run(fresh),
    'doctor:fix': ({ checkId }) => doctor.fix(checkId),
  });

  return {
    calls,
    streams: mapFormatErrors({
      ...instanceStreams({ registry, runs, runtimes, reconciled: () => reconciled }),
      ...imageStreams({ images }),
    }),
    listen: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: async () => {
      if (closing.signal.aborted) return;
      closing.abort();
      listeners.clear();
      clearInterval(retry);
      pool.close();
      await registry.shutDownInstances(shutdownTimeoutMs);
      sampler.close();
      const inUse = new Set(registry.list().map((instance) => instance.imageId));
      await Promise.race([
        Promise.allSettled([
          runs.settle(),
          link.close(),
          projects.close(),
          bundler.close(),
          ...[...runtimes.values()].map((runtime) => runtime.close?.()),
          images.pruneImages(imagesMaxBytes, inUse),
        ]),
        new Promise((resolve) => setTimeout(resolve, closeTimeoutMs).unref()),
      ]);
    },
  };
}

const isAlive = ({ state }: Instance): boolean => state !== 'stopped' && state !== 'failed';

function accelOf(env: NodeJS.ProcessEnv): Accel | undefined {
  const { FIRSTLIGHT_ACCEL: asked } = env;
  return asked === 'kvm' || asked === 'tcg' ? asked : undefined;
}
