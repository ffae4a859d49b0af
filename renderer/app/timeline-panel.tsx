import { useMemo } from 'react';
import { useNow, useProject, useSession, useShown, useStudio, useTask, useTransient } from '../bind/studio.tsx';
import { taskNote } from '../features/invoke/task-words.ts';
import { compareShown } from '../features/runs/comparison.ts';
import { TimelineView } from '../features/timeline/timeline-view.tsx';
import styles from './timeline-panel.module.css';

const none: readonly never[] = [];

/** The timeline of the shown run, or of a run in progress, which replaces the one shown before. */
export function TimelinePanel({ theme }: { readonly theme: 'light' | 'dark' }) {
  const studio = useStudio();
  const { run, previous, notCompared } = useShown();
  const project = useProject();
  const runs = useSession((state) => (project === null ? undefined : state.runs[project.id]));
  const live = useSession((state) => (project === null ? undefined : state.live[project.id]));
  const comparison = useMemo(() => compareShown(run, previous, runs?.value ?? none), [run, previous, runs]);
  const task = useTask();
  const now = useNow(100, task !== null);
  const isRunning = task?.kind === 'run';
  const cpus = useSession((state) => state.info?.cpus);
  const selectedPhase = useTransient((state) => state.selectedPhase);
  const shared = {
    cpus,
    theme,
    selectedPhase,
    onSelectPhase: (phase: typeof selectedPhase) => studio.transient.setState({ selectedPhase: phase }),
  };
  const note = task === null ? 'under way' : taskNote(task, now);
  return (
    <section
      className={styles.panel}
      aria-busy={isRunning || live !== undefined}
      aria-label="Cold start"
      data-region="timeline"
      data-earlier={isRunning && live === undefined}
    >
      {live === undefined ? (
        <TimelineView
          {...shared}
          timeline={run?.timeline ?? null}
          previous={previous?.timeline ?? null}
          comparison={comparison}
          note={isRunning ? note : notCompared}
          samples={run?.samples ?? none}
          clickedAtMs={run?.clickedAtMs ?? 0}
        />
      ) : (
        <TimelineView
          {...shared}
          underWay
          timeline={live.timeline}
          previous={run?.timeline ?? null}
          note={note}
          samples={none}
          clickedAtMs={0}
        />
      )}
    </section>
  );
}
