import { type FirstlightError, fromWireError, toFirstlightError, type WireError } from '#shared/errors.ts';
import type { BuildResult } from '#shared/model/image.ts';
import type { ProjectId } from '#shared/model/units.ts';
import { chosenHost, patchTask, report, type StudioContext, setEntry, setTask } from '../../state/context.ts';
import { type BuildState, noBuild } from '../../state/session.ts';

export interface BuildActions {
  /** Builds the files on disk; does nothing when the project is busy. */
  readonly build: (projectId: ProjectId) => Promise<void>;
  /** Builds a just opened project in the background, so that its first run finds an image and a waiting instance. */
  readonly prepare: (projectId: ProjectId) => Promise<void>;
  /** Builds soon after a file changed, unless a build comes anyway, so that a run finds an image. */
  readonly fileChanged: (projectId: ProjectId) => void;
  readonly started: (projectId: ProjectId) => void;
  readonly finished: (projectId: ProjectId, result: BuildResult | null, error: WireError | null) => void;
  /** Stores a build error that did not arrive as an event. */
  readonly failed: (projectId: ProjectId, error: FirstlightError) => void;
}

/** Editors and tools write several files at once. */
const quietMs = 300;

export function createBuildActions(context: StudioContext): BuildActions {
  const { client, session, transient, saved } = context;
  const get = (projectId: string) => session.getState().builds[projectId] ?? noBuild;
  const put = (projectId: string, build: BuildState) => setEntry(context, 'builds', projectId, build);

  const failed = (projectId: ProjectId, error: FirstlightError) =>
    put(projectId, { running: false, result: get(projectId).result, error, finishedAtMs: Date.now() });

  async function prepare(projectId: ProjectId): Promise<void> {
    const project = session.getState().projects.value?.find((entry) => entry.id === projectId);
    if (project === undefined || project.config === null) return;
    try {
      await client.call('builds:build', {
        projectId,
        startMode: saved.getState().startMode,
        ...chosenHost(context, projectId),
      });
    } catch (thrown) {
      // No person asked for it: errors of the function are among its problems; a run reports the rest.
      const error = toFirstlightError(thrown);
      if (error.class === 'build' || error.class === 'input') failed(projectId, error);
    }
  }

  let changeTimer: ReturnType<typeof setTimeout> | undefined;

  return {
    build: async (projectId) => {
      if (transient.getState().tasks[projectId] !== undefined) return;
      const abort = new AbortController();
      setTask(context, projectId, {
        kind: 'build',
        startedAtMs: Date.now(),
        message: 'Building',
        fraction: null,
        cancelling: false,
        answer: null,
        cancel: () => {
          patchTask(context, projectId, { cancelling: true });
          abort.abort();
        },
      });
      try {
        const result = await client.call(
          'builds:build',
          { projectId, startMode: saved.getState().startMode, ...chosenHost(context, projectId) },
          {
            signal: abort.signal,
            onProgress: ({ message, fraction }) =>
              patchTask(context, projectId, { message, fraction: fraction ?? null }),
          },
        );
        put(projectId, { running: false, result, error: null, finishedAtMs: Date.now() });
      } catch (thrown) {
        const error = toFirstlightError(thrown);
        if (error.code === 'CANCELLED') put(projectId, { ...get(projectId), running: false });
        else {
          failed(projectId, error);
          transient.setState({ dockTab: error.details.problems?.length ? 'problems' : 'build' });
        }
        if (error.class === 'environment' || error.class === 'internal') report(context, error);
      } finally {
        setTask(context, projectId, null);
      }
    },
    prepare,
    fileChanged: (projectId) => {
      const changedAtMs = Date.now();
      clearTimeout(changeTimer);
      changeTimer = setTimeout(() => {
        const { running, finishedAtMs } = get(projectId);
        const isBuilt = running || (finishedAtMs !== null && finishedAtMs >= changedAtMs);
        const isBusy = transient.getState().tasks[projectId] !== undefined;
        if (saved.getState().projectId === projectId && !isBuilt && !isBusy) void prepare(projectId);
      }, quietMs);
    },
    started: (projectId) => put(projectId, { ...get(projectId), running: true }),
    finished: (projectId, result, error) => {
      if (error !== null) failed(projectId, fromWireError(error));
      else put(projectId, { running: false, result, error: null, finishedAtMs: Date.now() });
    },
    failed,
  };
}
