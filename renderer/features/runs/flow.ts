import { toFirstlightError } from '#shared/errors.ts';
import type { Run, RunSummary } from '#shared/model/run.ts';
import { summarizeRun } from '#shared/model/summarize-run.ts';
import type { BootTimeline } from '#shared/model/timeline.ts';
import type { InstanceId, ProjectId, RunId } from '#shared/model/units.ts';
import { findBaseline } from '#shared/timeline/index.ts';
import { patchShown, report, type StudioContext, setEntry, shownOf } from '../../state/context.ts';
import type { Deletions } from '../../state/deletions.ts';
import { failed, loading, ready } from '../../state/loadable.ts';
import { nothingShown } from '../../state/session.ts';

export interface RunActions {
  readonly load: (projectId: ProjectId) => Promise<void>;
  /** Draws the newest run of a run's baseline beneath it, or sets the reason why there is none. */
  readonly compareWithBaseline: (projectId: ProjectId, run: Run) => Promise<void>;
  readonly show: (projectId: ProjectId, runId: RunId) => Promise<void>;
  /** Draws another run beneath the shown one; null: none. */
  readonly compare: (projectId: ProjectId, runId: RunId | null) => Promise<void>;
  /** Deletes runs; a person can undo it for a short time. */
  readonly remove: (projectId: ProjectId, runIds: readonly RunId[]) => void;
  /** Stores the progress of a run. */
  readonly progressed: (projectId: ProjectId, runId: RunId, timeline: BootTimeline) => void;
  /** Names a run; null removes the name. */
  readonly rename: (runId: RunId, name: string | null) => Promise<void>;
  /** Shows the page of a run. */
  readonly openPage: (runId: RunId) => void;
  readonly changed: (run: RunSummary) => void;
  readonly added: (run: RunSummary) => void;
  readonly removed: (runId: RunId) => void;
}

/** The dependencies on other features. */
export interface RunNeeds {
  readonly deletions: Deletions;
  readonly openConsole: (instanceId: InstanceId) => void;
  readonly openReplay: (runId: RunId, title: string, passing: boolean) => void;
}

/** The history of a function's runs, and which of them is shown. */
export function createRunActions(context: StudioContext, needs: RunNeeds): RunActions {
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

  /** Shows a run with its console, where none is shown yet. */
  const showFirst = async (projectId: ProjectId, runId: RunId) => {
    if (shownOf(context, projectId).run !== null) return;
    await show(projectId, runId);
    const shown = shownOf(context, projectId).run;
    if (shown !== null && transient.getState().consoles.length === 0) openConsoleOf(shown);
  };

  /** The console of a run's instance: live while the instance runs, else as recorded. */
  const openConsoleOf = (run: Run) => {
    const id = run.instance?.id;
    if (id === undefined) return;
    const alive = session.getState().instances.value?.some((entry) => entry.id === id) ?? false;
    if (alive) needs.openConsole(id);
    else needs.openReplay(run.id, `${run.functionName} ${clock(run.startedAt)}`, true);
  };

  const compareWithBaseline: RunActions['compareWithBaseline'] = async (projectId, run) => {
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

  return {
    load,
    compareWithBaseline,
    show,
    compare,
    remove: (projectId, runIds) => {
      const shown = shownOf(context, projectId);
      const gone = (run: Run | null) => run !== null && runIds.includes(run.id);
      const message = runIds.length === 1 ? 'The run is forgotten.' : `${runIds.length} runs are forgotten.`;
      needs.deletions.begin(runIds, message, async (id) => {
        await client.call('runs:remove', { runId: id as RunId });
        if (gone(shown.run)) patchShown(context, projectId, { run: null, previous: null });
        else if (gone(shown.previous)) patchShown(context, projectId, { previous: null });
      });
    },
    progressed: (projectId, runId, timeline) => setEntry(context, 'live', projectId, { runId, timeline }),
    rename: async (runId, name) => {
      try {
        await client.call('runs:rename', { runId, name });
      } catch (thrown) {
        report(context, thrown);
      }
    },
    openPage: (runId) => transient.setState({ center: 'run', runPage: runId }),
    changed: (run) => {
      const list = listOf(run.projectId)?.value;
      if (list == null) return;
      setEntry(context, 'runs', run.projectId, ready(list.map((entry) => (entry.id === run.id ? run : entry))));
    },
    added: (added) => {
      setEntry(context, 'live', added.projectId, undefined);
      const rest = (listOf(added.projectId)?.value ?? []).filter((entry) => entry.id !== added.id);
      setEntry(context, 'runs', added.projectId, ready([added, ...rest].slice(0, 200)));
      const { projectId } = saved.getState();
      const busy = transient.getState().tasks[added.projectId] !== undefined;
      // For example the sample, which the program that opened this window is running.
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
