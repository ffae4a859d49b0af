import { toFirstlightError } from '#shared/errors.ts';
import type { Json } from '#shared/model/json.ts';
import type { Run, RunSummary } from '#shared/model/run.ts';
import { summarizeRun } from '#shared/model/summarize-run.ts';
import type { BootTimeline, StartMode } from '#shared/model/timeline.ts';
import type { InstanceId, ProjectId, RunId } from '#shared/model/units.ts';
import { findBaseline } from '#shared/timeline/index.ts';
import type { BuildActions } from './builds.ts';
import {
  currentProject,
  parseEvent,
  patchShown,
  patchTask,
  report,
  type StudioContext,
  setEntry,
  setTask,
  shownOf,
  showPanels,
} from './context.ts';
import type { Deletions } from './deletions.ts';
import type { DocActions } from './documents.ts';
import { eventText } from './events.ts';
import type { InstanceActions } from './instances.ts';
import { failed, loading, ready } from './loadable.ts';
import { nothingShown } from './session.ts';

export interface RunActions {
  readonly load: (projectId: ProjectId) => Promise<void>;
  /**
   * Saves, builds if needed, boots a new instance and invokes it with the event as typed. `startMode`: for this run only;
   * the run that was shown is then drawn beneath it, whatever its mode.
   */
  readonly run: (startMode?: StartMode) => Promise<void>;
  /** Sends the event to an instance that already runs. */
  readonly invoke: (instanceId: InstanceId) => Promise<void>;
  /** Cancels what is under way in the current project. False when nothing is. */
  readonly cancel: () => boolean;
  readonly show: (projectId: ProjectId, runId: RunId) => Promise<void>;
  /** Draws another run beneath the shown one; null: none. */
  readonly compare: (projectId: ProjectId, runId: RunId | null) => Promise<void>;
  /** Forgets runs; that can be undone for a while. */
  readonly remove: (projectId: ProjectId, runIds: readonly RunId[]) => void;
  /** A run that is under way has come this far. */
  readonly progressed: (projectId: ProjectId, runId: RunId, timeline: BootTimeline) => void;
  readonly added: (run: RunSummary) => void;
  readonly removed: (runId: RunId) => void;
}

export function createRunActions(
  context: StudioContext,
  docs: DocActions,
  builds: BuildActions,
  instances: InstanceActions,
  deletions: Deletions,
): RunActions {
  const { client, session, transient, saved } = context;
  const listOf = (projectId: string) => session.getState().runs[projectId];

  const load: RunActions['load'] = async (projectId) => {
    setEntry(context, 'runs', projectId, loading(listOf(projectId)));
    try {
      const runs = await client.call('runs:list', { projectId, limit: 200 });
      setEntry(context, 'runs', projectId, ready(runs));
      const newest = runs.find((run) => run.outcome !== 'running');
      if (newest !== undefined) await showFirst(projectId, newest.id);
    } catch (thrown) {
      setEntry(context, 'runs', projectId, failed(listOf(projectId), toFirstlightError(thrown)));
    }
  };

  /** Shows a run where none is shown yet, with its console. */
  const showFirst = async (projectId: ProjectId, runId: RunId) => {
    if (shownOf(context, projectId).run !== null) return;
    await show(projectId, runId);
    const shown = shownOf(context, projectId).run;
    if (shown !== null && transient.getState().consoles.length === 0) openConsoleOf(shown);
  };

  /** The console of what a run booted: live while that still runs, else as it was recorded. */
  const openConsoleOf = (run: Run) => {
    const id = run.instance?.id;
    if (id === undefined) return;
    const alive = session.getState().instances.value?.some((entry) => entry.id === id) ?? false;
    if (alive) instances.openConsole(id);
    else instances.openReplay(run.id, `${run.functionName} ${clock(run.startedAt)}`, true);
  };

  /** Draws the newest run of a run's baseline beneath it, or says why there is none. */
  const compareWithBaseline = async (projectId: ProjectId, run: Run) => {
    const isShown = () => shownOf(context, projectId).run?.id === run.id;
    const say = (notCompared: string) => {
      if (isShown()) patchShown(context, projectId, { previous: null, notCompared });
    };
    if (run.outcome !== 'ok') return say('A run without an answer is not compared.');
    if (run.subject === null) return say('This run has no record of what it measured, so it is not compared.');
    const found = findBaseline(summarizeRun(run), listOf(projectId)?.value ?? []);
    if (found === null) return say(`No earlier ${run.startMode} run with this event to compare with.`);
    try {
      const previous = await client.call('runs:get', { runId: found.id });
      if (isShown()) patchShown(context, projectId, { previous, notCompared: null });
    } catch (thrown) {
      report(context, thrown);
    }
  };

  const show: RunActions['show'] = async (projectId, runId) => {
    patchShown(context, projectId, { loadingRunId: runId });
    try {
      const run = await client.call('runs:get', { runId });
      if (shownOf(context, projectId).loadingRunId !== runId) return;
      patchShown(context, projectId, { ...nothingShown, run });
      transient.setState({ selectedPhase: null, focusedInstanceId: null });
      await compareWithBaseline(projectId, run);
    } catch (thrown) {
      patchShown(context, projectId, { loadingRunId: null, failure: toFirstlightError(thrown) });
    }
  };

  const compare: RunActions['compare'] = async (projectId, runId) => {
    if (runId === null) return patchShown(context, projectId, { previous: null, notCompared: null });
    try {
      patchShown(context, projectId, { previous: await client.call('runs:get', { runId }), notCompared: null });
    } catch (thrown) {
      report(context, thrown);
    }
  };

  /** What a person cancelled is no error, and no earlier error is of it. */
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

  const run: RunActions['run'] = async (startMode) => {
    const project = currentProject(context);
    if (project === null || transient.getState().tasks[project.id] !== undefined) return;
    const projectId = project.id;
    const event = parseEvent(eventText(saved.getState(), projectId));
    if (!event.ok) return patchShown(context, projectId, { failure: event.error, warm: null });
    showPanels(context);
    const abort = startTask(projectId, 'run', 'Saving');
    try {
      if (!(await docs.saveAll(projectId))) return;
      patchTask(context, projectId, { message: 'Starting' });
      const asked = startMode ?? saved.getState().startMode;
      const earlier = instances.replaceable(projectId);
      const last = shownOf(context, projectId).run;
      const done = await client.call(
        'instances:run',
        { projectId, event: event.value as Json, startMode: asked, lifetime: 'session' },
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
      else void compareWithBaseline(projectId, done);
      // One running instance per function: each run is a new cold start, and what it replaces would only hold memory.
      for (const id of earlier) if (id !== done.instance?.id) void instances.remove(id);
    } catch (thrown) {
      const error = toFirstlightError(thrown);
      if (error.code === 'CANCELLED') return showCancelled(projectId);
      patchShown(context, projectId, { failure: error, warm: null, cancelledAfterMs: null });
      if (error.class === 'build' || error.class === 'input') {
        builds.failed(projectId, error);
        if (error.details.problems?.length) transient.setState({ dockTab: 'problems' });
      }
    } finally {
      endLive(projectId);
      setTask(context, projectId, null);
    }
  };

  const endLive = (projectId: ProjectId) => setEntry(context, 'live', projectId, undefined);

  return {
    load,
    run,
    invoke: async (instanceId) => {
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
    show,
    compare,
    remove: (projectId, runIds) => {
      const shown = shownOf(context, projectId);
      const gone = (run: Run | null) => run !== null && runIds.includes(run.id);
      const message = runIds.length === 1 ? 'The run is forgotten.' : `${runIds.length} runs are forgotten.`;
      deletions.begin(runIds, message, async (id) => {
        await client.call('runs:remove', { runId: id as RunId });
        if (gone(shown.run)) patchShown(context, projectId, { run: null, previous: null });
        else if (gone(shown.previous)) patchShown(context, projectId, { previous: null });
      });
    },
    progressed: (projectId, runId, timeline) => setEntry(context, 'live', projectId, { runId, timeline }),
    added: (added) => {
      endLive(added.projectId);
      const rest = (listOf(added.projectId)?.value ?? []).filter((entry) => entry.id !== added.id);
      setEntry(context, 'runs', added.projectId, ready([added, ...rest].slice(0, 200)));
      const { projectId } = saved.getState();
      const busy = transient.getState().tasks[added.projectId] !== undefined;
      // Such as the sample, which the program that opened this window runs meanwhile.
      if (added.projectId === projectId && added.outcome !== 'running' && !busy)
        void showFirst(added.projectId, added.id);
    },
    removed: (runId) => {
      for (const [projectId, list] of Object.entries(session.getState().runs)) {
        if (list.value?.some((entry) => entry.id === runId)) {
          setEntry(context, 'runs', projectId, ready(list.value.filter((entry) => entry.id !== runId)));
        }
      }
    },
  };
}

const clock = (iso: string) => new Date(iso).toLocaleTimeString('en-GB');
