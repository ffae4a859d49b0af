import { formatNs, formatNsChange, formatNsError } from '../../ui/instrument-format.ts';
import { changeError, lengthText, shareText, spreadText } from './figures.ts';
import { type ResourceSeries, valueAt } from './resource-series.ts';
import styles from './timeline.module.css';
import details from './timeline-details.module.css';
import { phaseAt, type TimelineModel } from './timeline-model.ts';
import { changeOf, describeSource } from './timeline-text.ts';

/** The read-out's width with four resources; with less room on the right, it is placed left of the crosshair. */
const roomPx = 350;

/** The data under the crosshair: the mark, the phase with its share and change, and the resources at that moment. */
export function HoverReadout(props: {
  readonly model: TimelineModel;
  readonly series: readonly ResourceSeries[];
  readonly atNs: number;
  readonly mark: number;
  readonly xPx: number;
  readonly widthPx: number;
}) {
  const { model, series, atNs, xPx, widthPx } = props;
  const mark = model.marks[props.mark];
  const phase = phaseAt(model.segments, atNs);
  const ahead = phaseAt(model.ahead, atNs);
  const ghost = phaseAt(model.ghost, atNs);
  const spread = phase === null ? null : spreadText(model, phase.name);
  const change = phase === null || spread !== null ? null : changeOf(model, phase);
  const known = series.map((one) => ({ one, value: valueAt(one, atNs) })).filter(({ value }) => !Number.isNaN(value));
  if (!mark && !phase && !ahead && !ghost && known.length === 0) return null;
  const side = widthPx - xPx < roomPx && xPx > widthPx / 2 ? { right: widthPx - xPx + 10 } : { left: xPx + 10 };
  return (
    <div className={details.readout} style={side} data-testid="timeline-readout">
      {mark !== undefined && (
        <div>
          <b>{mark.label}</b>
          <span>
            {formatNs(mark.atNs, mark.errorNs)} {formatNsError(mark.errorNs)}
          </span>
          <i>{describeSource(mark).split(', ±')[0]}</i>
        </div>
      )}
      {phase !== null && (
        <div>
          <span className={styles.swatch} data-phase={phase.name} />
          <b>{phase.name}</b>
          <span>{lengthText(phase)}</span>
          <i>
            {shareText(model, phase)}
            {change !== null && `, ${formatNsChange(change, changeError(model, phase))}`}
          </i>
        </div>
      )}
      {spread !== null && (
        <div data-testid="timeline-spread">
          <span>median of {spread.runs} runs</span>
          <span>{spread.median}</span>
          <i>
            5–95 %: {spread.range}; {spread.change}, {spread.p}
          </i>
        </div>
      )}
      {ahead !== null && (
        <div>
          <span className={styles.swatch} data-phase={ahead.name} />
          <b>{ahead.name}</b>
          <span>{lengthText(ahead)}</span>
          <i>ahead of the click</i>
        </div>
      )}
      {ghost !== null && ghost.name !== phase?.name && (
        <div>
          <span className={`${styles.swatch} ${styles.swatchGhost}`} data-phase={ghost.name} />
          <span>previous: {ghost.name}</span>
          <span>{lengthText(ghost)}</span>
        </div>
      )}
      {known.length > 0 && (
        <div className={details.readoutResources}>
          {known.map(({ one, value }) => (
            <span key={one.name}>
              {one.name} <b>{one.format(value)}</b>
            </span>
          ))}
        </div>
      )}
    </div>
  );
}
