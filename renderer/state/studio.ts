import type { Client } from '#shared/contract/client.ts';
import { fromWireError } from '#shared/errors.ts';
import { createDoctorActions, type DoctorActions } from '../features/doctor/flow.ts';
import { createImageActions, type ImageActions } from '../features/images/flow.ts';
import { createImportActions, type ImportActions } from '../features/imports/flow.ts';
import { createNanosActions, type NanosActions } from '../features/kernels/flow.ts';
import { type BuildActions, createBuildActions } from './builds.ts';
import { type ConfigActions, createConfigActions } from './config.ts';
import { currentProject, report, type StudioContext } from './context.ts';
import { createDeletions } from './deletions.ts';
import { createDocActions, type DocActions } from './documents.ts';
import { createInstanceActions, type InstanceActions } from './instances.ts';
import { createProjectActions, type ProjectActions } from './projects.ts';
import { createRunActions, type RunActions } from './runs.ts';
import { createSavedStore, readSaved, type SavedState, savedKey } from './saved.ts';
import { createSessionStore, type LinkState } from './session.ts';
import { createTransientStore } from './transient.ts';

/** The part of a transport that the state needs. */
export interface StudioTransport {
  readonly client: Client;
  readonly link: () => LinkState;
  readonly onLink: (listener: (link: LinkState) => void) => () => void;
}

/** The state of one window and everything that can be done to it. */
export interface Studio extends StudioContext {
  readonly projects: ProjectActions;
  readonly docs: DocActions;
  readonly builds: BuildActions;
  readonly instances: InstanceActions;
  readonly runs: RunActions;
  readonly doctor: DoctorActions;
  readonly config: ConfigActions;
  readonly nanos: NanosActions;
  readonly images: ImageActions;
  readonly imports: ImportActions;
  /** Saves the active file, and builds when it is on disk. */
  readonly saveAndBuild: () => Promise<void>;
  /** Ends timers and subscriptions. */
  readonly dispose: () => void;
}

/** A drag of a panel changes its size many times a second; the last one is what is worth a write. */
const saveDelayMs = 300;

/** A studio over a transport: it loads what the window shows, each time the connection comes up, and follows the engine's events. */
export function createStudio(transport: StudioTransport): Studio {
  const { client } = transport;
  const context: StudioContext = {
    client,
    saved: createSavedStore(),
    session: createSessionStore(),
    transient: createTransientStore(),
  };
  const docs = createDocActions(context);
  const builds = createBuildActions(context);
  const instances = createInstanceActions(context);
  const deletions = createDeletions(context);
  const runs = createRunActions(context, docs, builds, instances, deletions);
  const projects = createProjectActions(context, docs, builds, runs);
  const doctor = createDoctorActions(context);
  const config = createConfigActions(context, docs, builds);
  const nanos = createNanosActions(context, builds);
  const images = createImageActions(context, deletions);
  const imports = createImportActions(context, projects);

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
    await Promise.all([projects.load(), projects.loadTemplates(), docs.refresh(), nanos.load()]);
    await doctor.run();
  }

  const followLink = (link: LinkState) => {
    const before = context.session.getState().link.status;
    context.session.setState(link.status === 'connected' ? { link } : { link, live: {} });
    if (link.status === 'connected' && before !== 'connected') void loadAll();
  };

  const ends = [
    transport.onLink(followLink),
    context.saved.subscribe((state: SavedState, before: SavedState) => {
      if (settingsLoaded && state.startMode !== before.startMode) {
        const project = currentProject(context);
        if (project !== null) void builds.prepare(project.id);
      }
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
    client.subscribe('app:warned', ({ error }) => report(context, fromWireError(error))),
    client.subscribe('projects:changed', ({ project }) => projects.update(project)),
    client.subscribe('projects:closed', ({ projectId }) => projects.drop(projectId)),
    client.subscribe('projects:fileChanged', ({ projectId, path, revision }) => {
      docs.fileChanged(projectId, path, revision);
      builds.fileChanged(projectId);
      const known = context.session.getState().files[projectId]?.value?.some((file) => file.path === path) ?? false;
      if (known === (revision === null)) void projects.loadFiles(projectId);
    }),
    client.subscribe('builds:started', ({ projectId }) => builds.started(projectId)),
    client.subscribe('builds:finished', ({ projectId, result, error }) => {
      builds.finished(projectId, result, error);
      // The list of images grew: read again where it has been looked at.
      if (context.session.getState().images.status !== 'idle') void images.load();
    }),
    client.subscribe('instances:changed', ({ instance }) => instances.changed(instance)),
    client.subscribe('instances:removed', ({ instanceId }) => instances.removed(instanceId)),
    client.subscribe('metrics:sampled', ({ samples }) => instances.sampled(samples)),
    client.subscribe('nanos:changed', ({ releases }) => nanos.changed(releases)),
    client.subscribe('runs:progressed', ({ projectId, runId, timeline }) =>
      runs.progressed(projectId, runId, timeline),
    ),
    client.subscribe('runs:added', ({ run }) => runs.added(run)),
    client.subscribe('runs:removed', ({ runId }) => runs.removed(runId)),
  ];
  followLink(transport.link());

  return {
    ...context,
    projects,
    docs,
    builds,
    instances,
    runs,
    doctor,
    config,
    nanos,
    images,
    imports,
    saveAndBuild: async () => {
      const { projectId } = context.saved.getState();
      const project = context.session.getState().projects.value?.find((entry) => entry.id === projectId);
      if (project === undefined) return;
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
