import './runs.css';
import type { RunSummary } from '#shared/model/run.ts';
import { useProject, useSession, useShown, useStudio } from '../../bind/studio.tsx';
import { Button } from '../../ui/button.tsx';
import { formatClock, formatDelta, formatMs } from '../../ui/format.ts';
import { Section } from '../../ui/section.tsx';

/** As many as fit the panel at its usual width; the Runs tab has them all. */
const stripLength = 24;

/** The last runs as bars of their time, newest right; a click shows that run. */
export function HistoryStrip() {
  const studio = useStudio();
  const project = useProject();
  const shown = useShown();
  const runs = useSession((state) => (project === null ? undefined : state.runs[project.id]));
  if (project === null) return null;
  const list = (runs?.value ?? [])
    .filter((run) => run.outcome !== 'running')
    .slice(0, stripLength)
    .reverse();
  const longest = Math.max(1, ...list.map((run) => run.totalMs ?? 0));
  const current = shown.run;
  const delta =
    current?.timeline && shown.previous?.timeline
      ? (current.timeline.totalNs - shown.previous.timeline.totalNs) / 1e6
      : null;
  return (
    <Section
      title="History"
      actions={
        <Button kind="quiet" onClick={() => studio.transient.setState({ dockTab: 'runs' })}>
          All runs
        </Button>
      }
    >
      {list.length === 0 ? (
        <p className="strip-note muted">Each run adds a bar here, to compare with the one before.</p>
      ) : (
        <>
          <div className="strip" role="listbox" aria-label="Last runs, oldest first" aria-orientation="horizontal">
            {list.map((run) => (
              <RunBar
                key={run.id}
                run={run}
                longest={longest}
                shown={run.id === current?.id}
                ghost={run.id === shown.previous?.id}
                onSelect={() => void studio.runs.show(project.id, run.id)}
              />
            ))}
          </div>
          <p className="strip-note">
            {current?.timeline != null && <span className="mono">{formatMs(current.timeline.totalNs / 1e6)}</span>}
            {delta !== null && (
              <span className={`mono ${delta > 0 ? 'muted' : 'ok'}`} data-tip="Against the run drawn beneath it">
                {formatDelta(delta)}
              </span>
            )}
            {current !== null && <span className="faint">{formatClock(current.startedAt)}</span>}
          </p>
        </>
      )}
    </Section>
  );
}

interface RunBarProps {
  readonly run: RunSummary;
  readonly longest: number;
  readonly shown: boolean;
  readonly ghost: boolean;
  readonly onSelect: () => void;
}

function RunBar({ run, longest, shown, ghost, onSelect }: RunBarProps) {
  const words = run.totalMs === null ? (run.errorCode ?? run.outcome) : formatMs(run.totalMs);
  const share = run.totalMs === null ? 0.08 : Math.max(0.08, run.totalMs / longest);
  return (
    <button
      type="button"
      role="option"
      aria-selected={shown}
      aria-label={`${words}, ${run.startMode}, ${formatClock(run.startedAt)}${run.outcome === 'ok' ? '' : `, ${run.outcome}`}`}
      data-tip={`${words}  ${run.startMode}\n${formatClock(run.startedAt)}${run.outcome === 'ok' ? '' : `  ${run.outcome}`}${ghost ? '\ndrawn beneath' : ''}`}
      className={`strip-bar strip-${run.outcome}${shown ? ' strip-shown' : ''}${ghost ? ' strip-ghost' : ''}${run.startMode === 'prestarted' ? ' strip-prestarted' : ''}`}
      onClick={onSelect}
    >
      <span style={{ height: `${share * 100}%` }} />
    </button>
  );
}
