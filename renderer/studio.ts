import type { Client } from '#shared/contract/client.ts';
import { fromWireError } from '#shared/errors.ts';
import { type BuildActions, createBuildActions } from './features/build/flow.ts';
import { type ConsoleActions, createConsoleActions } from './features/console/flow.ts';
import { createDeployActions, type DeployActions } from './features/deploy/flow.ts';
import { createDoctorActions, type DoctorActions } from './features/doctor/flow.ts';
import { createDocActions, type DocActions } from './features/editor/flow.ts';
import { createGatewayActions, type GatewayActions } from './features/gateway/flow.ts';
import { createImageActions, type ImageActions } from './features/images/flow.ts';
import { createImportActions, type ImportActions } from './features/imports/flow.ts';
import { createInstanceActions, type InstanceActions } from './features/instances/flow.ts';
import { createInvokeActions, type InvokeActions } from './features/invoke/flow.ts';
import { createKernelActions, type KernelActions } from './features/kernels/flow.ts';
import { createMetricsActions, type MetricsActions } from './features/metrics/flow.ts';
import { type ConfigActions, createConfigActions } from './features/options/flow.ts';
import { createProjectActions, type ProjectActions } from './features/projects/flow.ts';
import { createRunActions, type RunActions } from './features/runs/flow.ts';
import { createSearchActions, type SearchActions } from './features/search/flow.ts';
import { createSettingsActions, type SettingsActions } from './features/settings/flow.ts';
import { currentProject, report, type StudioContext } from './state/context.ts';
import { createDeletions } from './state/deletions.ts';
import { createSavedStore, readSaved, type SavedState, savedKey } from './state/saved.ts';
import { createSessionStore, type LinkState } from './state/session.ts';
import { createTransientStore } from './state/transient.ts';

/** The part of a transport that the state needs. */
export interface StudioTransport {
  readonly client: Client;
  readonly link: () => LinkState;
  readonly onLink: (listener: (link: LinkState) => void) => () => void;
}

/** The state of one window and all actions on it. */
export interface Studio extends StudioContext {
  readonly projects: ProjectActions;
  readonly docs: DocActions;
  readonly builds: BuildActions;
  readonly instances: InstanceActions;
  readonly consoles: ConsoleActions;
  readonly metrics: MetricsActions;
  readonly runs: RunActions;
  readonly invoke: InvokeActions;
  readonly doctor: DoctorActions;
  readonly config: ConfigActions;
  readonly kernels: KernelActions;
  readonly images: ImageActions;
  readonly imports: ImportActions;
  readonly settings: SettingsActions;
  readonly search: SearchActions;
  readonly deploy: DeployActions;
  readonly gateway: GatewayActions;
  /** Saves the active file, and builds when it is on disk. */
  readonly saveAndBuild: () => Promise<void>;
  /** Ends timers and subscriptions. */
  readonly dispose: () => void;
}

/** A drag of a panel changes its size many times a second; only the last one is written. */
const saveDelayMs = 300;

/** A studio over a transport: it loads the window's data at each connection, and follows the engine's events. */
export function createStudio(transport: StudioTransport): Studio {
  const { client } = transport;
  const context: StudioContext = {
    client,
    saved: createSavedStore(),
    session: createSessionStore(),
    transient: createTransientStore(),
  };
  const deletions = createDeletions(context);
  const docs = createDocActions(context);
  const builds = createBuildActions(context);
  const consoles = createConsoleActions(context);
  const metrics = createMetricsActions(context);
  const doctor = createDoctorActions(context);
  const settings = createSettingsActions(context);
  const search = createSearchActions(context);
  const deploy = createDeployActions(context, { saveAll: docs.saveAll });
  const images = createImageActions(context, deletions);
  const kernels = createKernelActions(context, { prepare: builds.prepare });
  const instances = createInstanceActions(context, {
    openConsole: consoles.bring,
    closeConsole: consoles.close,
    dropSamples: metrics.drop,
  });
  const runs = createRunActions(context, {
    deletions,
    openConsole: consoles.bring,
    openReplay: consoles.openReplay,
  });
  const invoke = createInvokeActions(context, {
    saveAll: docs.saveAll,
    buildFailed: builds.failed,
    // Those of the gateway serve others.
    replaceable: (projectId) => instances.replaceable(projectId).filter((id) => !gateway.serves(id)),
    removeInstance: instances.remove,
    compareWithBaseline: runs.compareWithBaseline,
  });
  const projects = createProjectActions(context, {
    loadFile: docs.load,
    forgetFiles: docs.forget,
    loadRuns: runs.load,
    prepare: builds.prepare,
  });
  const gateway = createGatewayActions(context, { selectProject: projects.select, showRun: runs.show });
  const config = createConfigActions(context, {
    loadFile: docs.load,
    openFile: docs.open,
    edit: docs.edit,
    save: docs.save,
    build: builds.build,
  });
  const imports = createImportActions(context, { addProject: projects.update, selectProject: projects.select });

  let settingsLoaded = false;
  let saveTimer: ReturnType<typeof setTimeout> | null = null;
  let draftTimer: ReturnType<typeof setTimeout> | null = null;

  const saveSettings = () => {
    saveTimer = null;
    const values = { [savedKey]: JSON.parse(JSON.stringify(context.saved.getState())) };
    client.call('settings:set', { values }).catch((thrown) => report(context, thrown));
  };

  async function loadAll(): Promise<void> {
    try {
      if (!settingsLoaded) {
        const settings = await client.call('settings:get', {});
        context.saved.setState(readSaved(settings[savedKey]));
        settingsLoaded = true;
      }
      const [info, runtimes] = await Promise.all([client.call('app:info', {}), client.call('runtimes:list', {})]);
      context.session.setState({ info, runtimes });
    } catch (thrown) {
      report(context, thrown);
    }
    await instances.load();
    await Promise.all([
      loadHosts(),
      deploy.load(),
      gateway.load(),
      projects.load(),
      projects.loadTemplates(),
      docs.refresh(),
      kernels.load(),
    ]);
    await doctor.run();
  }

  async function loadHosts(): Promise<void> {
    try {
      context.session.setState({ hosts: await client.call('hosts:list', {}) });
    } catch (thrown) {
      report(context, thrown);
    }
  }

  const followLink = (link: LinkState) => {
    const before = context.session.getState().link.status;
    context.session.setState(link.status === 'connected' ? { link } : { link, live: {} });
    if (link.status === 'connected' && before !== 'connected') void loadAll();
  };

  const ends = [
    transport.onLink(followLink),
    context.saved.subscribe((state: SavedState, before: SavedState) => {
      const project = currentProject(context);
      const isOther = state.startMode !== before.startMode || state.hosts !== before.hosts;
      if (settingsLoaded && isOther && project !== null) void builds.prepare(project.id);
      if (!settingsLoaded || state === before || saveTimer !== null) return;
      saveTimer = setTimeout(saveSettings, saveDelayMs);
    }),
    context.session.subscribe((state, before) => {
      if (state.docs === before.docs || draftTimer !== null) return;
      draftTimer = setTimeout(() => {
        draftTimer = null;
        docs.keepDrafts();
      }, saveDelayMs);
    }),
    client.subscribe('app:changed', (info) => context.session.setState({ info })),
    client.subscribe('hosts:changed', ({ hosts }) => context.session.setState({ hosts })),
    client.subscribe('app:warned', ({ error }) => report(context, fromWireError(error))),
    client.subscribe('projects:changed', ({ project }) => {
      projects.update(project);
      gateway.projectsChanged();
    }),
    client.subscribe('projects:closed', ({ projectId }) => {
      projects.drop(projectId);
      gateway.projectsChanged();
    }),
    client.subscribe('projects:fileChanged', ({ projectId, path, revision }) => {
      docs.fileChanged(projectId, path, revision);
      builds.fileChanged(projectId);
      const known = context.session.getState().files[projectId]?.value?.some((file) => file.path === path) ?? false;
      if (known === (revision === null)) void projects.loadFiles(projectId);
    }),
    client.subscribe('builds:started', ({ projectId }) => builds.started(projectId)),
    client.subscribe('builds:finished', ({ projectId, result, error }) => {
      builds.finished(projectId, result, error);
      // The list of images grew: it is read again where it was read before.
      if (context.session.getState().images.status !== 'idle') void images.load();
    }),
    client.subscribe('instances:changed', ({ instance }) => instances.changed(instance)),
    client.subscribe('instances:removed', ({ instanceId }) => instances.removed(instanceId)),
    client.subscribe('metrics:sampled', ({ samples }) => metrics.sampled(samples)),
    client.subscribe('gateway:changed', (now) => gateway.changed(now.gateway)),
    client.subscribe('gateway:answered', ({ request }) => gateway.answered(request)),
    client.subscribe('kernels:changed', ({ runtime, releases }) => kernels.changed(runtime, releases)),
    client.subscribe('runs:progressed', ({ projectId, runId, timeline }) =>
      runs.progressed(projectId, runId, timeline),
    ),
    client.subscribe('runs:added', ({ run }) => runs.added(run)),
    client.subscribe('runs:changed', ({ run }) => runs.changed(run)),
    client.subscribe('runs:removed', ({ runId }) => runs.removed(runId)),
  ];
  followLink(transport.link());

  return {
    ...context,
    projects,
    docs,
    builds,
    instances,
    consoles,
    metrics,
    runs,
    invoke,
    doctor,
    config,
    kernels,
    images,
    imports,
    settings,
    search,
    deploy,
    gateway,
    saveAndBuild: async () => {
      const { projectId } = context.saved.getState();
      const project = context.session.getState().projects.value?.find((entry) => entry.id === projectId);
      if (project === undefined) return;
      const active = context.saved.getState().tabs[project.id]?.active ?? null;
      if (active !== null && context.saved.getState().preferences.formatOnSave) await docs.format(project.id, active);
      if (await docs.saveAll(project.id)) await builds.build(project.id);
    },
    dispose: () => {
      if (draftTimer !== null) clearTimeout(draftTimer);
      docs.keepDrafts();
      deletions.flush();
      for (const end of ends) end();
      if (saveTimer !== null) {
        clearTimeout(saveTimer);
        saveSettings();
      }
    },
  };
}
