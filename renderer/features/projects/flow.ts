import { toFirstlightError } from '#shared/errors.ts';
import type { Project } from '#shared/model/project.ts';
import type { ProjectId } from '#shared/model/units.ts';
import {
  addToast,
  currentProject,
  patchShown,
  report,
  type StudioContext,
  setEntry,
  setSavedEntry,
  shownOf,
} from '../../state/context.ts';
import { firstEvent } from '../../state/events.ts';
import { failed, loading, ready } from '../../state/loadable.ts';
import { docKey, isDirty } from '../../state/session.ts';

/** The editor checks this many files of a project, each up to this size; a function has a handful. */
const sourceFiles = 80;
const sourceBytes = 256 * 1024;

export interface ProjectActions {
  readonly load: () => Promise<void>;
  readonly select: (projectId: ProjectId) => Promise<void>;
  readonly loadFiles: (projectId: ProjectId) => Promise<void>;
  readonly loadTemplates: () => Promise<void>;
  /** Errors: the engine's, for the directory. */
  readonly open: (dir: string) => Promise<void>;
  /** Errors: the engine's, for the name or directory. */
  readonly create: (input: { name: string; template: string; dir?: string | undefined }) => Promise<void>;
  /** Opens the function made from a template in the projects folder, and creates it first if needed. */
  readonly openSample: (template: string) => Promise<void>;
  /**
   * Trusts the folder of a function, or revokes that.
   *
   * Errors: the engine's.
   */
  readonly trust: (projectId: ProjectId, trusted: boolean) => Promise<void>;
  readonly close: (projectId: ProjectId) => Promise<void>;
  /** Stores the engine's report of a changed project. */
  readonly update: (project: Project) => void;
  readonly drop: (projectId: ProjectId) => void;
}

/** The dependencies on the features that own files, builds and runs. */
export interface ProjectNeeds {
  readonly loadFile: (projectId: ProjectId, path: string) => Promise<void>;
  readonly forgetFiles: (projectId: ProjectId) => void;
  readonly loadRuns: (projectId: ProjectId) => Promise<void>;
  readonly prepare: (projectId: ProjectId) => Promise<void>;
}

export function createProjectActions(context: StudioContext, needs: ProjectNeeds): ProjectActions {
  const { client, session, saved } = context;

  const loadFiles = async (projectId: ProjectId) => {
    setEntry(context, 'files', projectId, loading(session.getState().files[projectId]));
    try {
      setEntry(context, 'files', projectId, ready(await client.call('projects:files', { projectId })));
      void loadSources(projectId);
    } catch (thrown) {
      setEntry(context, 'files', projectId, failed(session.getState().files[projectId], toFirstlightError(thrown)));
    }
  };

  const loadTypes = async (projectId: ProjectId) => {
    try {
      setEntry(context, 'types', projectId, await client.call('projects:types', { projectId }));
    } catch (thrown) {
      // Without them the editor still edits; only the completion of the handler's types is lost.
      addToast(context, `Completion for the handler's types is not available: ${toFirstlightError(thrown).message}`);
    }
  };

  const loadSources = async (projectId: ProjectId) => {
    const wanted = (session.getState().files[projectId]?.value ?? [])
      .filter((file) => file.kind === 'file' && file.bytes <= sourceBytes && /\.(m?[jt]sx?|json)$/.test(file.path))
      .slice(0, sourceFiles);
    try {
      const read = wanted.map(({ path }) => client.call('projects:readFile', { projectId, path }));
      setEntry(context, 'sources', projectId, await Promise.all(read));
    } catch (thrown) {
      // A file was removed during the reading: the next change of the list reads them again.
      if (toFirstlightError(thrown).code !== 'NOT_FOUND') report(context, thrown);
    }
  };

  const openOrCreate = async (template: string): Promise<Project> => {
    try {
      return await client.call('projects:create', { name: template, template });
    } catch (thrown) {
      if (toFirstlightError(thrown).code !== 'ALREADY_EXISTS') throw thrown;
      const { projectsDir } = await client.call('app:info', {});
      return await client.call('projects:open', { dir: `${projectsDir}/${template}` });
    }
  };

  const select = async (projectId: ProjectId) => {
    context.transient.setState({ center: 'editor', focusedInstanceId: null, selectedPhase: null });
    await read(projectId);
  };

  /** Reads what the window shows of a project. */
  const read = async (projectId: ProjectId) => {
    saved.setState({ projectId });
    const project = currentProject(context);
    if (project === null) return;
    void loadTypes(projectId);
    void needs.loadRuns(projectId);
    const tabs = saved.getState().tabs[projectId];
    const wanted = tabs?.paths ?? [project.config?.entry ?? 'firstlight.json'];
    const active = tabs?.active ?? wanted[0] ?? null;
    setSavedEntry(context, 'tabs', projectId, { paths: wanted, active });
    await loadFiles(projectId);
    const present = new Set(session.getState().files[projectId]?.value?.map((file) => file.path));
    if (session.getState().files[projectId]?.status === 'ready') {
      const paths = wanted.filter((path) => present.has(path) || session.getState().docs[docKey(projectId, path)]);
      const stillActive = active !== null && paths.includes(active) ? active : (paths[0] ?? null);
      setSavedEntry(context, 'tabs', projectId, { paths, active: stillActive });
    }
    const beside = saved.getState().split[projectId];
    if (beside !== undefined && !present.has(beside)) setSavedEntry(context, 'split', projectId, undefined);
    const opened = [...(saved.getState().tabs[projectId]?.paths ?? []), ...(beside === undefined ? [] : [beside])];
    await Promise.all(opened.map((path) => needs.loadFile(projectId, path)));
    const handler = session.getState().docs[docKey(projectId, project.config?.entry ?? '')];
    if (handler?.status === 'ready' && saved.getState().events[projectId] === undefined) {
      setSavedEntry(context, 'events', projectId, firstEvent(handler.savedText));
    }
    void needs.prepare(projectId);
  };

  const update = (project: Project) => {
    const before = session.getState().projects.value ?? [];
    const known = before.some((entry) => entry.id === project.id);
    const next = known ? before.map((entry) => (entry.id === project.id ? project : entry)) : [...before, project];
    session.setState({ projects: ready(next) });
    const runtime = before.find((entry) => entry.id === project.id)?.config?.runtime;
    const isOther = runtime !== undefined && project.config !== null && project.config.runtime !== runtime;
    // Another runtime has other types that a function may use.
    if (isOther && saved.getState().projectId === project.id) void loadTypes(project.id);
  };

  const drop = (projectId: ProjectId) => {
    const rest = (session.getState().projects.value ?? []).filter((project) => project.id !== projectId);
    session.setState({ projects: ready(rest) });
    if (saved.getState().projectId !== projectId) return;
    const next = rest[0];
    if (next === undefined) saved.setState({ projectId: null });
    else void select(next.id);
  };

  return {
    load: async () => {
      session.setState((state) => ({ projects: loading(state.projects) }));
      try {
        const projects = await client.call('projects:list', {});
        session.setState({ projects: ready(projects) });
        const wanted = projects.find((project) => project.id === saved.getState().projectId) ?? projects[0];
        // At a new connection too: a page that is open by now stays open.
        if (wanted !== undefined) await read(wanted.id);
      } catch (thrown) {
        session.setState((state) => ({ projects: failed(state.projects, toFirstlightError(thrown)) }));
      }
    },
    select,
    loadFiles,
    loadTemplates: async () => {
      session.setState((state) => ({ templates: loading(state.templates) }));
      try {
        session.setState({ templates: ready(await client.call('projects:templates', {})) });
      } catch (thrown) {
        session.setState((state) => ({ templates: failed(state.templates, toFirstlightError(thrown)) }));
      }
    },
    open: async (dir) => {
      const project = await client.call('projects:open', { dir });
      update(project);
      await select(project.id);
      if (!project.trusted && project.asks.length > 0) {
        context.transient.setState({ dialog: { kind: 'trust', projectId: project.id } });
      }
    },
    trust: async (projectId, trusted) => {
      update(await client.call('projects:trust', { projectId, trusted }));
      // Requests that were refused without trust are now granted.
      if (shownOf(context, projectId).failure?.code === 'PROJECT_NOT_TRUSTED') {
        patchShown(context, projectId, { failure: null });
      }
      void needs.prepare(projectId);
    },
    create: async ({ name, template, dir }) => {
      const project = await client.call('projects:create', { name, template, ...(dir !== undefined && { dir }) });
      update(project);
      await select(project.id);
    },
    openSample: async (template) => {
      try {
        const project = await openOrCreate(template);
        update(project);
        await select(project.id);
      } catch (thrown) {
        report(context, thrown);
      }
    },
    close: async (projectId) => {
      const unsaved = Object.values(session.getState().docs).filter(
        (doc) => doc.projectId === projectId && isDirty(doc),
      );
      const close = async () => {
        try {
          await client.call('projects:close', { projectId });
          needs.forgetFiles(projectId);
          drop(projectId);
        } catch (thrown) {
          report(context, thrown);
        }
      };
      if (unsaved.length === 0) return close();
      context.transient.setState({
        dialog: {
          kind: 'confirm',
          title: 'Close the function with unsaved changes?',
          message: `${unsaved.map((doc) => doc.path).join(', ')} would lose what was typed since the last save.`,
          action: 'Close without saving',
          onConfirm: () => void close(),
        },
      });
    },
    update,
    drop,
  };
}
