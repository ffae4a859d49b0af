import type { Mark, PhaseName } from '#shared/model/timeline.ts';
import { formatNs, formatNsChange, formatNsDelta, formatNsError } from '../../ui/instrument-format.ts';
import { changeError, lengthText, previousText, shareText, spreadText } from './figures.ts';
import styles from './timeline.module.css';
import details from './timeline-details.module.css';
import { marksWithin, type TimelineModel } from './timeline-model.ts';
import { changeOf, describeSource } from './timeline-text.ts';

/** The greatest number of rows; the table has them all. */
const mostMarks = 100;

/** The details of a phase: its length, share and change, and the marks inside with the time between them. */
export function PhaseDetails(props: {
  readonly model: TimelineModel;
  readonly phase: PhaseName;
  readonly onZoom: () => void;
  readonly onClose: () => void;
}) {
  const { model, phase, onZoom, onClose } = props;
  const segment = model.segments.find(({ name }) => name === phase);
  if (segment === undefined) return null;
  const spread = spreadText(model, phase);
  const change = changeOf(model, segment);
  const [from, to] = marksWithin(model, segment.startNs, segment.endNs);
  const inside = model.marks.slice(from, Math.min(to, from + mostMarks));
  const empty = segment.startNs === segment.endNs;
  return (
    <aside className={details.details} aria-label={`Phase ${phase}`}>
      <header>
        <span className={styles.swatch} data-phase={phase} />
        <b>{phase}</b>
        <button type="button" onClick={onZoom} disabled={empty} title="Zoom to this phase (Enter)">
          Zoom
        </button>
        <button type="button" onClick={onClose} title="Close (Esc)" aria-label="Close">
          ×
        </button>
      </header>
      <dl>
        <dt>length</dt>
        <dd>
          {lengthText(segment)} <i>{shareText(model, segment)} of total</i>
        </dd>
        <dt>from</dt>
        <dd>
          {formatNs(segment.startNs, segment.errorNs)} <i>{formatNsError(segment.errorNs)}</i>
        </dd>
        {spread !== null && (
          <>
            <dt title={`Of ${spread.runs} runs`}>median</dt>
            <dd>
              {spread.median}{' '}
              <i>
                {spread.change}, {spread.p}
              </i>
            </dd>
            <dt>5–95 %</dt>
            <dd>{spread.range}</dd>
          </>
        )}
        {change !== null && (
          <>
            <dt>previous</dt>
            <dd>
              {previousText(model, phase)} <i>now {formatNsChange(change, changeError(model, segment))}</i>
            </dd>
          </>
        )}
      </dl>
      <ol aria-label="Marks inside">
        {inside.map((mark, index) => (
          <li key={mark.key} title={describeSource(mark)}>
            <span>{mark.label}</span>
            <b>{sinceBefore(mark, inside[index - 1] ?? { atNs: segment.startNs, errorNs: segment.errorNs })}</b>
          </li>
        ))}
      </ol>
      {to - from > mostMarks && <p>{to - from - mostMarks} more marks: see the table (T)</p>}
      {inside.length === 0 && <p>{empty ? 'This run has no such phase.' : 'No marks inside.'}</p>}
    </aside>
  );
}

/** The time between two marks; its error is that of both. */
const sinceBefore = (
  mark: Pick<Mark, 'atNs' | 'errorNs'>,
  before: { readonly atNs: number; readonly errorNs: number },
) => formatNsDelta(mark.atNs - before.atNs, mark.errorNs + before.errorNs);
