import type { RunSummary } from '#shared/model/run.ts';
import type { Comparison } from '#shared/model/series.ts';
import { comparisonWords, describeComparison, describeSpread, isSignificant } from '#shared/timeline/index.ts';
import { useProject, useSaved, useSession, useShown, useStudio } from '../../bind/studio.tsx';
import { Button } from '../../ui/button.tsx';
import { formatClock, formatMs } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';
import { joinClasses } from '../../ui/join-classes.ts';
import { moveInList } from '../../ui/list.ts';
import { Section } from '../../ui/section.tsx';
import { compareShown } from './comparison.ts';
import styles from './history-strip.module.css';

/** More runs than fit the panel at any width; the Runs tab has them all. */
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
  const comparison = compareShown(current, shown.previous, runs?.value ?? []);
  const { change, than, chance } = comparison === null ? noWords : comparisonWords(comparison);
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
        <p className={`${styles.note} muted`}>Each run adds its total here, to compare with the one before.</p>
      ) : (
        <>
          <div
            className={styles.strip}
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
          <p className={styles.note} data-part="comparison">
            {comparison !== null ? (
              <span className={isFaster(comparison) ? 'ok ellipsis' : 'ellipsis'} data-tip={aboutNoise(comparison)}>
                {change}
                {chance}
                <span className="muted">{than}</span>
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

const noWords = { change: '', than: '', chance: '' };

const isFaster = ({ total, differences }: Comparison) => isSignificant(total, differences) && total.deltaMs < 0;

function aboutNoise(comparison: Comparison): string {
  const { baseline, total, differences } = comparison;
  const verdict = isSignificant(total, differences) ? 'This is beyond the noise' : 'This may be noise';
  const { median, count } = baseline.total;
  const spread = count < 2 ? '' : `, 5 to 95 % of them ${describeSpread(baseline.total)}`;
  return `${describeComparison(comparison)}.\n${verdict}. The ${count === 1 ? 'run' : `${count} runs`} took ${formatMs(median)}${spread}.`;
}

interface RunChipProps {
  readonly run: RunSummary;
  readonly shown: boolean;
  /** One entry of the row is in the tab order; arrows move within the row. */
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
      className={joinClasses(styles.chip, shown && styles.chipShown, ghost && styles.chipGhost)}
      data-outcome={run.outcome}
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
