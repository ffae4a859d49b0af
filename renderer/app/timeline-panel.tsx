import './timeline-panel.css';
import { useShown, useStudio, useTask, useTransient } from '../bind/studio.tsx';
import { TimelineView } from '../features/timeline/timeline-view.tsx';

const none: readonly never[] = [];

/** Where the shown run's time went. */
export function TimelinePanel({ theme }: { readonly theme: 'light' | 'dark' }) {
  const studio = useStudio();
  const { run, previous } = useShown();
  const running = useTask()?.kind === 'run';
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
        samples={run?.samples ?? none}
        clickedAtMs={run?.clickedAtMs ?? 0}
        theme={theme}
        selectedPhase={selectedPhase}
        onSelectPhase={(phase) => studio.transient.setState({ selectedPhase: phase })}
      />
    </section>
  );
}
