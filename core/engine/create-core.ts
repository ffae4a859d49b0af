import { availableParallelism } from 'node:os';
import { createBundler } from '#core/bundle/bundler.ts';
import { deployCalls, deployStreams } from '#core/deploy/deploy-calls.ts';
import { createPluginCredentials } from '#core/deploy/kube/exec-credential.ts';
import { createTargets } from '#core/deploy/targets.ts';
import { createDoctor } from '#core/doctor/doctor.ts';
import { createGatewayService } from '#core/gateway/gateway-calls.ts';
import { imageCalls, imageStreams } from '#core/images/image-calls.ts';
import { createImageStore } from '#core/images/image-store.ts';
import { importCalls } from '#core/imports/import-calls.ts';
import { instanceCalls, instanceStreams } from '#core/instances/instance-calls.ts';
import { createErrorMapper } from '#core/instances/map-error.ts';
import { createPrestartPool } from '#core/instances/prestart-pool.ts';
import { createRegistry } from '#core/instances/registry.ts';
import { createRunner } from '#core/instances/run-function.ts';
import { createSnapshots } from '#core/instances/snapshots.ts';
import type { LaunchSpec } from '#core/instances/types.ts';
import { createHostWatch } from '#core/instances/watch-hosts.ts';
import { createSampler } from '#core/metrics/sampler.ts';
import { findCommit } from '#core/projects/find-commit.ts';
import { createProjectService } from '#core/projects/project-service.ts';
import { createHostRates } from '#core/runtime/host-rates.ts';
import { describeRuntimes, type RuntimeDefinition } from '#core/runtime/runtime.ts';
import { mapFormatErrors, toFirstlightError } from '#core/store/from-format-error.ts';
import { createLayout } from '#core/store/layout.ts';
import type { Resources } from '#core/store/resources.ts';
import { createRunStore } from '#core/store/run-store.ts';
import { createSettings } from '#core/store/settings.ts';
import { sweepTemps } from '#core/store/sweep-temps.ts';
import { createAccelerator } from '#core/vmm/accelerator.ts';
import type { BuiltInHost } from '#core/vmm/built-in-host.ts';
import type { Host } from '#core/vmm/host.ts';
import { createHosts } from '#core/vmm/hosts.ts';
import { explainSlowStarts } from '#core/vmm/kvm-access.ts';
import { chooseUri } from '#core/vmm/libvirt/choose-uri.ts';
import { createLibvirtVmm } from '#core/vmm/libvirt/libvirt-vmm.ts';
import type { Vmm } from '#core/vmm/vmm.ts';
import { volumeCalls } from '#core/volumes/volume-calls.ts';
import { createVolumes } from '#core/volumes/volumes.ts';
import type { CallHandlers, Engine, EventListener, EventPayload } from '#shared/contract/index.ts';
import { FirstlightError, toWireError } from '#shared/errors.ts';
import type { HostEntry } from '#shared/model/host.ts';
import type { Accel, Instance } from '#shared/model/instance.ts';
import type { ProjectId } from '#shared/model/units.ts';
import { buildCalls } from './build-calls.ts';
import { findBuiltInHosts } from './find-built-in-hosts.ts';
import { hostCalls } from './host-calls.ts';
import { kernelCalls } from './kernel-calls.ts';
import { createKnownBuilds } from './known-builds.ts';
import { requireArgs } from './require-args.ts';
import { runtimes as builtInRuntimes } from './runtimes.ts';

export interface CoreOptions {
  readonly resources: Resources;
  /** Overrides all places for state: for tests, and for FIRSTLIGHT_HOME. */
  readonly home?: string | undefined;
  readonly uri?: string | undefined;
  readonly accel?: Accel | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Resolves when this process has the PATH of the person's login shell. Default: it has it. */
  readonly pathReady?: Promise<unknown> | undefined;
  readonly log?: ((line: string) => void) | undefined;
  /** The time limit for an instance to come up. Default: 30 s, which an emulated guest on a busy machine stays far under. */
  readonly bootTimeoutMs?: number | undefined;
  /**
   * The time that a deploy's trouble on a cluster may last before it has failed. Default: 30 s: a pull is retried
   * within that time.
   */
  readonly rolloutGraceMs?: number | undefined;
  /** The runtimes there are; the first one is the default. Default: those of Firstlight. */
  readonly runtimes?: readonly RuntimeDefinition[] | undefined;
  /** Hosts of this machine beside libvirt and Firecracker. Default: none. */
  readonly hosts?: readonly BuiltInHost[] | undefined;
}

/** The engine with its end. */
export interface Core extends Engine {
  /** Ends our own resources: instances that are not kept, workers, connections. Takes well under a second. */
  readonly close: () => Promise<void>;
}

const defaultBootTimeoutMs = 30_000;
const defaultRolloutGraceMs = 30_000;
/** Closing never waits longer than this: the rest ends with the process. */
const closeTimeoutMs = 1_500;
/** The limit for each of: cancelled creations, stops under way, and guests that write to their volumes. */
const shutdownTimeoutMs = 2_500;
/** Images, with their bases, are dropped beyond this size, least recently used first. */
const imagesMaxBytes = 2 * 1024 ** 3;

/** The engine: all parts connected, with only the work begun that a first call needs. */
export async function createCore(options: CoreOptions): Promise<Core> {
  const { resources, env = process.env, log = () => undefined, runtimes: definitions = builtInRuntimes } = options;
  const uid = process.getuid?.() ?? 0;
  const layout = createLayout({ home: options.home, env, uid });
  const listeners = new Set<EventListener>();
  const emit: EventListener = (name, payload) => {
    for (const listener of listeners) listener(name, payload);
  };
  const closing = new AbortController();

  const rates = createHostRates(layout);
  const volumes = createVolumes({ layout, onChange: (volumes) => emit('volumes:changed', { volumes }) });
  const context = { layout, resources, volumes, rates, env, emit, log };
  const runtimes = new Map(
    await Promise.all(definitions.map(async ({ id, create }) => [id, await create(context)] as const)),
  );
  const bundler = createBundler({ layout, version: resources.version, shimsDir: resources.shimsDir, runtimes });
  const images = createImageStore({ layout, bundler, runtimes });
  const runs = createRunStore(layout, { log });
  const settings = createSettings(layout, log);
  const builtInHosts = [...(await findBuiltInHosts({ settings, layout, env, uid })), ...(options.hosts ?? [])];

  const registry = createRegistry({
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
    live: registry.live,
    onSamples: (samples) => emit('metrics:sampled', { samples }),
  });
  const makeAccelerator = (vmm: Vmm, host: string, onKnown: () => void = () => undefined) =>
    createAccelerator({
      vmm,
      host,
      layout,
      version: resources.version,
      guestOf: async (id, image) => {
        const runtime = runtimes.get(id);
        if (runtime === undefined) throw new FirstlightError('INTERNAL', `No runtime ${id} is set up.`);
        return await runtime.probeGuest(image);
      },
      fixed: options.accel ?? accelOf(env),
      onKnown,
      log,
    });
  const openHost = ({ name, uri }: HostEntry): Host => {
    let host: Host;
    const onReopened = () => watch.reconcile(host);
    const listener = { ...registry.listenerOf(() => host), onState: () => announce(), onReopened };
    const here = builtInHosts.find((one) => one.name === name);
    if (here !== undefined) {
      host = { name, layout, ...here.open(listener) };
      return host;
    }
    const vmm = createLibvirtVmm({ uri, uid, listener });
    const accelerator = makeAccelerator(vmm, name, () => announce());
    host = { name, vmm, layout, accelerator };
    return host;
  };
  const hosts = createHosts({
    localUri: chooseUri(options.uri, env, uid),
    builtIn: builtInHosts,
    settings,
    open: openHost,
    onAdded: (host) => {
      watch.reconcile(host);
      announce();
    },
    onRemoved: (host) => {
      watch.forget(host);
      registry.forgetHost(host.name);
      announce();
    },
    warn: (error) => emit('app:warned', { error: toWireError(error) }),
  });
  const watch = createHostWatch({
    hosts: hosts.list,
    reconcile: (host) => registry.reconcile(host, hosts.list()),
    log,
    onChanged: () => announce(),
  });
  const pool = createPrestartPool({
    launch: registry.launch,
    isExclusive: (config) => runtimes.get(config.runtime)?.exclusiveResourceOf(config) !== 'none',
    log,
  });
  const snapshots = createSnapshots({
    layout,
    runtimes,
    launch: registry.launch,
    forget: registry.remove,
    warn: (error) => emit('app:warned', { error: toWireError(error) }),
    log,
  });
  const projects = createProjectService({
    layout,
    resources,
    runtimes: definitions,
    bundlings: runtimes,
    emit,
    log,
    onClosed: (projectId) => {
      pool.drop(projectId);
      void bundler.release(projectId);
      known.forget(projectId);
      gateway.retire(projectId);
    },
  });
  const doctor = createDoctor({ hosts, layout, resources, runtimes: [...runtimes.values()], uid });

  const preparing = new Set<ProjectId>();
  const info = () => ({
    version: resources.version,
    uri: hosts.local.vmm.uri,
    accel: hosts.local.accelerator.known(definitions[0]?.id ?? ''),
    connection: hosts.local.vmm.state,
    cpus: availableParallelism(),
    preparing: [...preparing],
    projectsDir: layout.projectsDir,
    settingsPath: layout.settingsPath,
  });
  const announce = () => {
    emit('app:changed', info());
    emit('hosts:changed', { hosts: hosts.list().map(watch.describe) });
  };

  const makeAhead = (spec: LaunchSpec): Promise<unknown> =>
    spec.startMode === 'restored' ? snapshots.prepare(spec) : pool.prepare(spec);
  const known = createKnownBuilds({ images, projects, signal: closing.signal, log });
  const building = buildCalls({
    ...{ images, runtimes, projects, known, makeAhead, getHost: hosts.find, emit, log, preparing },
    onPreparing: () => emit('app:changed', info()),
  });
  const mapError = createErrorMapper(bundler.load);
  const run = createRunner({
    getHost: hosts.find,
    findCommit,
    getProject: projects.get,
    requireArgs: ({ name, config }) => requireArgs(name, config, definitions),
    build: building.build,
    findKnown: building.findKnown,
    settle: known.settle,
    runtimes,
    runs,
    registry,
    pool,
    snapshots,
    sampler,
    mapError,
    explainSlowStarts: () => explainSlowStarts(uid),
    tickRate: rates.tick,
    emit,
  });

  const gateway = createGatewayService({
    registry,
    run,
    listProjects: projects.list,
    watchProject: async (projectId) => {
      try {
        // Edits of a project are reported once its files have been listed.
        await projects.calls['projects:files']({ projectId }, { signal: closing.signal, progress: () => undefined });
      } catch (thrown) {
        // The folder may be gone. Each request reads the project anyway, and answers with its problem.
        if (!closing.signal.aborted) log(`gateway: edits are not seen: ${toFirstlightError(thrown).message}`);
      }
    },
    isExclusive: ({ config }) =>
      config !== null && (runtimes.get(config.runtime)?.exclusiveResourceOf(config) ?? 'none') !== 'none',
    checkHost: hosts.find,
    prestart: async (projectId, startMode) => {
      const context = { signal: closing.signal, progress: () => undefined };
      await building.calls['builds:prestart']({ projectId, startMode }, context);
    },
    emit,
    log,
  });
  listeners.add((name, payload) => {
    if (name === 'projects:fileChanged') gateway.retire((payload as EventPayload<'projects:fileChanged'>).projectId);
  });

  const deploying = {
    findCommit,
    layout,
    runtimes,
    env,
    targets: createTargets(layout),
    plugins: createPluginCredentials(options.pathReady),
    getProject: projects.get,
    build: building.build,
    supervisorPath: resources.podSupervisorPath,
    version: resources.version,
    graceMs: options.rolloutGraceMs ?? defaultRolloutGraceMs,
    makeAccelerator: (vmm: Vmm, name: string) => makeAccelerator(vmm, `target-${name}`),
  };

  sweepTemps(layout).catch((thrown) => log(`Half-written files stay: ${toFirstlightError(thrown).message}`));
  const recovered = runs.recover().then(
    () => undefined,
    (thrown) => log(`Runs of earlier sessions could not be read: ${toFirstlightError(thrown).message}`),
  );
  for (const host of hosts.list()) watch.reconcile(host);
  const loaded = hosts
    .load()
    .catch((thrown: unknown) => log(`The hosts could not be read: ${toFirstlightError(thrown).message}`));
  const reconciled = async () => {
    await loaded;
    await watch.reconciled();
  };

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
      openProject: projects.openOwn,
    }),
    ...kernelCalls(runtimes),
    'runtimes:list': () => describeRuntimes(definitions),
    ...volumeCalls(volumes),
    ...deployCalls(deploying),
    ...building.calls,
    ...instanceCalls({ registry, run, sampler, mapError, reconciled }),
    ...hostCalls(hosts, watch),
    ...gateway.calls,
    'runs:list': async (filter, { signal }) => {
      await recovered;
      return await runs.list({ ...filter, signal });
    },
    'runs:get': ({ runId }) => runs.get(runId),
    'runs:rename': async ({ runId, name }) => {
      const run = await runs.rename(runId, name);
      emit('runs:changed', { run });
      return run;
    },
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
      ...instanceStreams({ registry, runs, runtimes, reconciled }),
      ...imageStreams({ images }),
      ...deployStreams(deploying),
    }),
    listen: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: async () => {
      if (closing.signal.aborted) return;
      closing.abort();
      listeners.clear();
      watch.close();
      pool.close();
      void gateway.close();
      await registry.shutDownInstances(shutdownTimeoutMs);
      sampler.close();
      const inUse = new Set(registry.list().map((instance) => instance.imageId));
      await Promise.race([
        Promise.allSettled([
          runs.finishMaintenance(),
          hosts.close(),
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
