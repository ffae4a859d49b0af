import { type KeyboardEvent, useMemo, useState } from 'react';
import type { MetricSample } from '#shared/model/metrics.ts';
import type { Comparison } from '#shared/model/series.ts';
import { type BootTimeline, type PhaseName, phaseNames } from '#shared/model/timeline.ts';
import { useTokens } from '../../ui/instrument-theme.ts';
import { PhaseDetails } from './phase-details.tsx';
import { buildSeries, sampledWindow } from './resource-series.ts';
import styles from './timeline.module.css';
import body from './timeline-body.module.css';
import { TimelineCanvas } from './timeline-canvas.tsx';
import { TimelineHeader } from './timeline-header.tsx';
import { buildModel, findBounds } from './timeline-model.ts';
import { TimelineTable } from './timeline-table.tsx';
import { TimelineToolbar } from './timeline-toolbar.tsx';
import { useViewport } from './use-viewport.ts';

export interface TimelineViewProps {
  /** Null before the first run. */
  readonly timeline: BootTimeline | null;
  /** The run of the baseline drawn beneath. */
  readonly previous: BootTimeline | null;
  /** The run's comparison with its baseline; null when it has none. */
  readonly comparison?: Comparison | null;
  /** The note in place of a comparison: the run's progress, or the reason why it is not compared. */
  readonly note?: string | null;
  /** True while the run is in progress: `timeline` ends at the present instant. */
  readonly underWay?: boolean;
  /** Null: the run's host has no measurements. */
  readonly samples: readonly MetricSample[] | null;
  /** The click on the scale of `MetricSample.atMs`. */
  readonly clickedAtMs: number;
  /** The number of the machine's CPUs: no instance uses more. */
  readonly cpus?: number | undefined;
  readonly theme: 'light' | 'dark';
  readonly selectedPhase: PhaseName | null;
  readonly onSelectPhase: (phase: PhaseName | null) => void;
}

/** The timeline of a cold start: phases, marks, the run before as a ghost, and the resources on the same axis. */
export function TimelineView(props: TimelineViewProps) {
  const { timeline, previous, comparison = null, note = null, underWay = false } = props;
  const { samples, clickedAtMs, cpus, theme, selectedPhase, onSelectPhase } = props;
  const tokens = useTokens(theme);
  const [asTable, setAsTable] = useState(false);
  const vmmStartNs = vmmStartOf(timeline);
  const series = useMemo(
    () => (samples === null ? [] : buildSeries(samples, clickedAtMs, vmmStartNs, cpus)),
    [samples, clickedAtMs, vmmStartNs, cpus],
  );
  const model = useMemo(
    () => buildModel({ timeline, previous, comparison, underWay }),
    [timeline, previous, comparison, underWay],
  );
  const bounds = useMemo(() => findBounds(model, sampledWindow(series)), [model, series]);
  const viewport = useViewport(model, bounds);
  const fit = () => viewport.show(model.fit);
  const zoomToPhase = (name: PhaseName) => {
    const segment = model.segments.find((candidate) => candidate.name === name);
    if (segment === undefined || segment.endNs === segment.startNs) return;
    const margin = (segment.endNs - segment.startNs) * 0.06;
    viewport.show({ startNs: segment.startNs - margin, endNs: segment.endNs + margin });
    onSelectPhase(name);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === 't' || event.key === 'T') setAsTable(!asTable);
    else if (event.key === 'Escape' && selectedPhase !== null) onSelectPhase(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  if (timeline === null && previous === null) return <NoRun />;
  return (
    <section className={styles.root} aria-label="Cold start timeline" onKeyDown={onKeyDown}>
      <div className={styles.head}>
        <TimelineHeader
          model={model}
          note={note}
          selectedPhase={selectedPhase}
          onSelectPhase={onSelectPhase}
          onZoomToPhase={zoomToPhase}
        />
        <TimelineToolbar
          model={model}
          tokens={tokens}
          asTable={asTable}
          onTable={() => setAsTable(!asTable)}
          onFit={fit}
          onZoom={(factor) => viewport.zoomAtPx(factor, 0.5, 1)}
        />
      </div>
      <div className={body.main}>
        {asTable ? (
          <TimelineTable model={model} selectedPhase={selectedPhase} onSelectPhase={onSelectPhase} />
        ) : (
          <TimelineCanvas
            model={model}
            series={series}
            viewport={viewport}
            tokens={tokens}
            selectedPhase={selectedPhase}
            onSelectPhase={onSelectPhase}
            onZoomToPhase={zoomToPhase}
            onFit={fit}
          />
        )}
        {selectedPhase !== null && !asTable && timeline !== null && (
          <PhaseDetails
            model={model}
            phase={selectedPhase}
            onZoom={() => zoomToPhase(selectedPhase)}
            onClose={() => onSelectPhase(null)}
          />
        )}
      </div>
    </section>
  );
}

/** When the VMM started, if that was after the click. */
const vmmStartOf = (timeline: BootTimeline | null): number | null =>
  timeline?.startMode === 'cold' ? (timeline.phases.find(({ name }) => name === 'vmm')?.startNs ?? null) : null;

function NoRun() {
  return (
    <section className={`${styles.root} ${styles.none}`} aria-label="Cold start timeline">
      <div className={styles.noneBar} aria-hidden="true">
        {phaseNames.map((name) => (
          <span key={name} data-phase={name} />
        ))}
      </div>
      <p>
        <b>No cold start yet.</b> Run the function (Ctrl+Enter) to see where every millisecond goes, from the click to
        the response.
      </p>
    </section>
  );
}
