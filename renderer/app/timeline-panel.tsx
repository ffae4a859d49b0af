import './timeline-panel.css';
import { useProject, useSession, useShown, useStudio, useTask, useTransient } from '../bind/studio.tsx';
import { changeWords } from '../features/runs/change-words.ts';
import { TimelineView } from '../features/timeline/timeline-view.tsx';
import { compareRuns } from '../state/comparison.ts';

const none: readonly never[] = [];

/** Where the shown run's time went. */
export function TimelinePanel({ theme }: { readonly theme: 'light' | 'dark' }) {
  const studio = useStudio();
  const { run, previous } = useShown();
  const project = useProject();
  const runs = useSession((state) => (project === null ? undefined : state.runs[project.id]));
  const comparison = compareRuns(run, previous, runs?.value ?? none);
  const running = useTask()?.kind === 'run';
  const cpus = useSession((state) => state.info?.cpus);
  const selectedPhase = useTransient((state) => state.selectedPhase);
  return (
    <section
      className={running ? 'timeline-panel timeline-earlier' : 'timeline-panel'}
      aria-busy={running}
      aria-label="Cold start"
      data-region="timeline"
    >
      <TimelineView
        timeline={run?.timeline ?? null}
        previous={previous?.timeline ?? null}
        change={comparison === null ? null : changeWords(comparison)}
        samples={run?.samples ?? none}
        clickedAtMs={run?.clickedAtMs ?? 0}
        cpus={cpus}
        theme={theme}
        selectedPhase={selectedPhase}
        onSelectPhase={(phase) => studio.transient.setState({ selectedPhase: phase })}
      />
    </section>
  );
}
