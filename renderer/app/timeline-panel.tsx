import './timeline-panel.css';
import { useMemo } from 'react';
import { useSaved, useSession, useShown, useStudio, useTransient } from '../bind/studio.tsx';
import { ResourceGraphs } from '../features/metrics/resource-graphs.tsx';
import { TimelineView } from '../features/timeline/timeline-view.tsx';

const none: readonly never[] = [];

/** Where the shown run's time went, beside the graphs of the instance in focus. */
export function TimelinePanel({ theme }: { readonly theme: 'light' | 'dark' }) {
  const studio = useStudio();
  const { run, previous } = useShown();
  const selectedPhase = useTransient((state) => state.selectedPhase);
  return (
    <section className="timeline-panel" aria-label="Cold start" data-region="timeline">
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

/** The last minutes of one instance: the one in focus, else the shown run's. */
export function GraphsPanel({ theme }: { readonly theme: 'light' | 'dark' }) {
  const { run } = useShown();
  const projectId = useSaved((state) => state.projectId);
  const focused = useTransient((state) => state.focusedInstanceId);
  const instances = useSession((state) => state.instances.value);
  const id = focused ?? run?.instance?.id ?? instances?.find((entry) => entry.projectId === projectId)?.id ?? null;
  const live = useSession((state) => (id === null ? undefined : state.samples[id]));
  const samples = useMemo(() => [...(live ?? run?.samples ?? none)], [live, run]);
  return (
    <section className="graphs-panel" aria-label="Resources">
      <header className="graphs-head">
        <h2>Resources</h2>
        <span className="mono muted ellipsis">{id ?? ''}</span>
      </header>
      <div className="graphs-body">
        <ResourceGraphs samples={samples} theme={theme} />
      </div>
    </section>
  );
}
