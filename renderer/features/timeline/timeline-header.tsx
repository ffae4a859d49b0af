import type { Comparison } from '#shared/model/series.ts';
import { type PhaseName, type StartMode, startModeWords, startTitle } from '#shared/model/timeline.ts';
import { comparisonWords, describeComparison, isSignificant } from '#shared/timeline/index.ts';
import { formatNsChange } from '../../ui/instrument-format.ts';
import { changeError, lengthText, shareText, spreadText, totalText } from './figures.ts';
import styles from './timeline.module.css';
import type { Segment, TimelineModel } from './timeline-model.ts';
import { changeOf, restoreText } from './timeline-text.ts';

/** The total, the start mode, and a legend with every phase's length. */
export function TimelineHeader(props: {
  readonly model: TimelineModel;
  /** The note on a run that has no comparison, or is in progress. */
  readonly note: string | null;
  readonly selectedPhase: PhaseName | null;
  readonly onSelectPhase: (phase: PhaseName | null) => void;
  readonly onZoomToPhase: (phase: PhaseName) => void;
}) {
  const { model, note, selectedPhase, onSelectPhase, onZoomToPhase } = props;
  return (
    <>
      <h2 className={styles.title}>{startTitle(model.timeline?.startMode ?? 'cold')}</h2>
      <Total model={model} note={note} />
      <ul className={styles.legend} aria-label="Phases">
        {model.segments.map((segment) => {
          const duration = segment.endNs - segment.startNs;
          return (
            <li key={segment.name}>
              <button
                type="button"
                className={styles.phase}
                data-phase={segment.name}
                data-empty={duration === 0}
                aria-pressed={selectedPhase === segment.name}
                title={`${segment.name}: ${lengthText(segment)}, ${shareText(model, segment)} of the total${compared(model, segment)}. Double click zooms to it.`}
                onClick={() => onSelectPhase(selectedPhase === segment.name ? null : segment.name)}
                onDoubleClick={() => onZoomToPhase(segment.name)}
              >
                <span className={styles.swatch} data-phase={segment.name} />
                <span>{segment.name}</span>
                <b>{lengthText(segment)}</b>
              </button>
              {segment.name === 'vmm' && <Restore model={model} />}
            </li>
          );
        })}
      </ul>
    </>
  );
}

/** The load of a saved guest, beside the phase that it is a part of. */
function Restore({ model }: { readonly model: TimelineModel }) {
  const length = restoreText(model);
  return length === null ? null : (
    <span className={styles.part} title="The load of the saved guest: a part of vmm, the band below it.">
      <span>restore</span>
      <b>{length}</b>
    </span>
  );
}

/** The end of a phase's title: its comparison. */
function compared(model: TimelineModel, segment: Segment): string {
  const spread = spreadText(model, segment.name);
  if (spread !== null)
    return `; ${spread.change} against the median of ${spread.runs} runs, ${spread.median} (${spread.p})`;
  const change = changeOf(model, segment);
  return change === null ? '' : `, ${formatNsChange(change, changeError(model, segment))} than in the previous run`;
}

const aboutP =
  'p is the probability of a difference at least this clear if nothing had changed. Below 0.05 it counts as faster or slower, otherwise as noise.';

function Change({ comparison }: { readonly comparison: Comparison }) {
  const { total, differences } = comparison;
  const verdict = !isSignificant(total, differences) ? 'noise' : total.deltaMs < 0 ? 'faster' : 'slower';
  const { change, than, chance } = comparisonWords(comparison);
  return (
    <span
      className={`${styles.note} ${styles.change}`}
      data-testid="timeline-change"
      data-verdict={verdict}
      title={`${describeComparison(comparison)}\n\n${aboutP}`}
    >
      {change}
      <span className={styles.than}>{than}</span>
      {chance}
    </span>
  );
}

function modeTitle(model: TimelineModel, startMode: StartMode): string {
  const restore = restoreText(model);
  const loaded = restore === null ? '' : ` It was loaded in ${restore}, which is part of vmm.`;
  return `${startMode}: ${startModeWords[startMode]}.${loaded}`;
}

function Total({ model, note }: { readonly model: TimelineModel; readonly note: string | null }) {
  const { timeline, previous, comparison, underWay } = model;
  if (timeline === null)
    return <span className={styles.note}>{previous === null ? 'no run yet' : 'waiting for the run'}</span>;
  return (
    <>
      <strong className={styles.total} data-complete={timeline.complete || underWay} data-testid="timeline-total">
        {totalText(timeline)}
      </strong>
      {comparison !== null ? (
        <Change comparison={comparison} />
      ) : (
        note !== null && (
          <span className={`${styles.note} ${styles.change}`} data-testid="timeline-change" title={note}>
            {note}
          </span>
        )
      )}
      {!timeline.complete && !underWay && <span className={`${styles.badge} ${styles.badgeFailed}`}>no response</span>}
      <span className={`${styles.badge} ${styles.mode}`} title={modeTitle(model, timeline.startMode)}>
        {timeline.startMode}
      </span>
      {timeline.accel === 'tcg' && (
        <span
          className={`${styles.badge} ${styles.badgeEmulated}`}
          title="Software emulation (tcg): on KVM the guest’s phases are shorter."
        >
          emulated
        </span>
      )}
    </>
  );
}
