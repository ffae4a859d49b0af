import type { FirstlightError } from '#shared/errors.ts';
import { toFirstlightError } from '#shared/errors.ts';
import type { Json } from '#shared/model/json.ts';
import type { Run } from '#shared/model/run.ts';
import type { StartMode } from '#shared/model/timeline.ts';
import type { InstanceId, ProjectId } from '#shared/model/units.ts';
import {
  chosenHost,
  currentProject,
  parseEvent,
  patchShown,
  patchTask,
  type StudioContext,
  setEntry,
  setTask,
  shownOf,
  showPanels,
} from '../../state/context.ts';
import { eventText } from '../../state/events.ts';
import { nothingShown } from '../../state/session.ts';

export interface InvokeActions {
  /**
   * Saves, builds if needed, boots a new instance and invokes it with the event as typed. `startMode`: for this run only;
   * the run that was shown is then drawn beneath it, in any mode.
   */
  readonly run: (startMode?: StartMode) => Promise<void>;
  /** Sends the event to an instance that already runs. */
  readonly call: (instanceId: InstanceId) => Promise<void>;
  /** Cancels the work in progress in the current project. False when there is none. */
  readonly cancel: () => boolean;
}

/** The dependencies on the features that own files, builds, instances and runs. */
export interface InvokeNeeds {
  readonly saveAll: (projectId: ProjectId) => Promise<boolean>;
  readonly buildFailed: (projectId: ProjectId, error: FirstlightError) => void;
  /** The instances that a new run of the project replaces. */
  readonly replaceable: (projectId: ProjectId) => readonly InstanceId[];
  readonly removeInstance: (instanceId: InstanceId) => Promise<void>;
  readonly compareWithBaseline: (projectId: ProjectId, run: Run) => Promise<void>;
}

export function createInvokeActions(context: StudioContext, needs: InvokeNeeds): InvokeActions {
  const { client, session, transient, saved } = context;

  /** A cancelled run is not an error, and does not keep an earlier error. */
  const showCancelled = (projectId: ProjectId) => {
    const task = transient.getState().tasks[projectId];
    const cancelledAfterMs = task === undefined ? 0 : Date.now() - task.startedAtMs;
    patchShown(context, projectId, { failure: null, cancelledAfterMs });
  };

  const startTask = (projectId: ProjectId, kind: 'run' | 'invoke', message: string): AbortController => {
    const abort = new AbortController();
    setTask(context, projectId, {
      kind,
      startedAtMs: Date.now(),
      message,
      fraction: null,
      cancelling: false,
      answer: null,
      cancel: () => {
        patchTask(context, projectId, { cancelling: true });
        abort.abort();
      },
    });
    return abort;
  };

  const run: InvokeActions['run'] = async (startMode) => {
    const project = currentProject(context);
    if (project === null || transient.getState().tasks[project.id] !== undefined) return;
    const projectId = project.id;
    const event = parseEvent(eventText(saved.getState(), projectId));
    if (!event.ok) return patchShown(context, projectId, { failure: event.error, warm: null });
    showPanels(context);
    const abort = startTask(projectId, 'run', 'Saving');
    try {
      if (!(await needs.saveAll(projectId))) return;
      patchTask(context, projectId, { message: 'Starting' });
      const asked = startMode ?? saved.getState().startMode;
      const earlier = needs.replaceable(projectId);
      const last = shownOf(context, projectId).run;
      const done = await client.call(
        'instances:run',
        {
          projectId,
          event: event.value as Json,
          startMode: asked,
          lifetime: 'session',
          ...chosenHost(context, projectId),
        },
        {
          signal: abort.signal,
          onProgress: ({ step, message, fraction }) => {
            const limitMs = project.config?.timeoutMs;
            const answers = step === 'answer' && limitMs !== undefined;
            const answer = answers ? { sinceMs: Date.now(), limitMs } : null;
            patchTask(context, projectId, { message, fraction: fraction ?? null, answer });
          },
        },
      );
      patchShown(context, projectId, { ...nothingShown, run: done, asked });
      transient.setState({ selectedPhase: null, focusedInstanceId: done.instance?.id ?? null });
      if (startMode !== undefined && last !== null) patchShown(context, projectId, { previous: last });
      else void needs.compareWithBaseline(projectId, done);
      // One running instance per function: each run is a new cold start, and a replaced instance would only use memory.
      for (const id of earlier) if (id !== done.instance?.id) void needs.removeInstance(id);
    } catch (thrown) {
      const error = toFirstlightError(thrown);
      if (error.code === 'CANCELLED') return showCancelled(projectId);
      patchShown(context, projectId, { failure: error, warm: null, cancelledAfterMs: null });
      if (error.class === 'build' || error.class === 'input') {
        needs.buildFailed(projectId, error);
        if (error.details.problems?.length) transient.setState({ dockTab: 'problems' });
      }
    } finally {
      setEntry(context, 'live', projectId, undefined);
      setTask(context, projectId, null);
    }
  };

  return {
    run,
    call: async (instanceId) => {
      const instance = session.getState().instances.value?.find((entry) => entry.id === instanceId);
      if (instance === undefined || transient.getState().tasks[instance.projectId] !== undefined) return;
      const { projectId } = instance;
      const event = parseEvent(eventText(saved.getState(), projectId));
      if (!event.ok) return patchShown(context, projectId, { failure: event.error, warm: null });
      showPanels(context);
      const abort = startTask(projectId, 'invoke', `Calling ${instanceId}`);
      try {
        const invocation = await client.call(
          'instances:invoke',
          { instanceId, event: event.value as Json },
          { signal: abort.signal },
        );
        patchShown(context, projectId, { warm: { instanceId, invocation }, failure: null, cancelledAfterMs: null });
      } catch (thrown) {
        const error = toFirstlightError(thrown);
        if (error.code === 'CANCELLED') showCancelled(projectId);
        else patchShown(context, projectId, { failure: error, warm: null, cancelledAfterMs: null });
      } finally {
        setTask(context, projectId, null);
      }
    },
    cancel: () => {
      const { projectId } = saved.getState();
      const task = projectId === null ? undefined : transient.getState().tasks[projectId];
      task?.cancel();
      return task !== undefined;
    },
  };
}
