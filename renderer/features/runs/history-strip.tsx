import './runs.css';
import type { RunSummary } from '#shared/model/run.ts';
import { useProject, useSaved, useSession, useShown, useStudio } from '../../bind/studio.tsx';
import { compareRuns } from '../../state/comparison.ts';
import { Button } from '../../ui/button.tsx';
import { formatClock, formatMs } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';
import { moveInList } from '../../ui/list.ts';
import { Section } from '../../ui/section.tsx';
import { changeWords } from './change-words.ts';

/** More than fit the panel at any width; the Runs tab has them all. */
const stripLength = 40;

/** The totals of the last runs of the shown run's start mode, newest first; a click shows that run. */
export function HistoryStrip() {
  const studio = useStudio();
  const project = useProject();
  const shown = useShown();
  const chosenMode = useSaved((state) => state.startMode);
  const runs = useSession((state) => (project === null ? undefined : state.runs[project.id]));
  if (project === null) return null;
  const current = shown.run;
  const startMode = current?.startMode ?? chosenMode;
  const list = (runs?.value ?? [])
    .filter((run) => run.outcome !== 'running' && (run.startMode === startMode || run.id === shown.previous?.id))
    .slice(0, stripLength);
  const comparison = compareRuns(current, shown.previous, runs?.value ?? []);
  return (
    <Section
      title={`History, ${startMode}, ms`}
      actions={
        <Button kind="quiet" onClick={() => studio.transient.setState({ dockTab: 'runs' })}>
          All runs
        </Button>
      }
    >
      {list.length === 0 ? (
        <p className="strip-note muted">Each run adds its total here, to compare with the one before.</p>
      ) : (
        <>
          <div
            className="strip"
            role="listbox"
            aria-label="Last runs, newest first"
            aria-orientation="horizontal"
            onKeyDown={moveInList}
          >
            {list.map((run, index) => (
              <RunChip
                key={run.id}
                run={run}
                shown={run.id === current?.id}
                tabbable={current === null ? index === 0 : run.id === current.id}
                ghost={run.id === shown.previous?.id}
                onSelect={() => void studio.runs.show(project.id, run.id)}
              />
            ))}
          </div>
          <p className="strip-note">
            {comparison !== null && shown.previous?.timeline != null ? (
              <span
                className="ellipsis"
                data-tip={`The run drawn beneath took ${formatMs(shown.previous.timeline.totalNs / 1e6)}; differences up to ${formatMs(comparison.noiseMs)} are noise`}
              >
                <span className={comparison.verdict === 'faster' ? 'ok' : undefined}>{changeWords(comparison)}</span>{' '}
                {comparison.caveat === null && <span className="muted">than the previous run</span>}
              </span>
            ) : (
              <span className="muted ellipsis">{shown.notCompared}</span>
            )}
            {current !== null && <span className="faint">{formatClock(current.startedAt)}</span>}
          </p>
        </>
      )}
    </Section>
  );
}

interface RunChipProps {
  readonly run: RunSummary;
  readonly shown: boolean;
  /** One of the row is in the tab order; arrows move within it. */
  readonly tabbable: boolean;
  readonly ghost: boolean;
  readonly onSelect: () => void;
}

function RunChip({ run, shown, tabbable, ghost, onSelect }: RunChipProps) {
  const words = run.totalMs === null ? (run.errorCode ?? run.outcome) : formatMs(run.totalMs);
  return (
    <button
      type="button"
      role="option"
      data-row
      tabIndex={tabbable ? 0 : -1}
      aria-selected={shown}
      aria-label={`${words}, ${run.startMode}, ${formatClock(run.startedAt)}${run.outcome === 'ok' ? '' : `, ${run.outcome}`}`}
      data-tip={`${words}  ${run.startMode}\n${formatClock(run.startedAt)}${run.outcome === 'ok' ? '' : `  ${run.outcome}`}${ghost ? '\ndrawn beneath' : ''}`}
      className={`chip chip-${run.outcome}${shown ? ' chip-shown' : ''}${ghost ? ' chip-ghost' : ''}${run.startMode === 'prestarted' ? ' chip-prestarted' : ''}`}
      onClick={onSelect}
    >
      {run.totalMs === null ? (
        <Icon name={run.outcome === 'failed' ? 'error' : 'stop'} size={12} />
      ) : (
        formatMs(run.totalMs).replace(' ms', '')
      )}
    </button>
  );
}
