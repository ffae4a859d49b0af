import { formatNs } from '../../ui/instrument-format.ts';
import { lengthText } from './figures.ts';
import type { Lane } from './lanes.ts';
import styles from './timeline-body.module.css';
import type { TimelineModel } from './timeline-model.ts';

/** Work done ahead of the click, apart from the axis and on a separate scale: a person did not wait for it. */
export function AheadPanel(props: { readonly model: TimelineModel; readonly bar: Lane; readonly onShow: () => void }) {
  const { model, bar, onShow } = props;
  const ahead = model.timeline?.ahead;
  if (ahead === null || ahead === undefined) return null;
  const parts = model.ahead.filter((segment) => segment.endNs > segment.startNs);
  const idleNs = -(ahead.startNs + ahead.durationNs);
  const words = parts.map((part) => `${part.name} ${lengthText(part)}`).join(', ');
  return (
    <button
      type="button"
      className={styles.ahead}
      onClick={onShow}
      aria-label={`Ahead of the click: ${formatNs(ahead.durationNs)} (${words})`}
      title={`Done ahead of the click, not waited for: ${words}. It then waited for ${formatNs(idleNs)}. Click to show it on the axis.`}
    >
      <span className={styles.aheadAxis} style={{ height: bar.topPx }}>
        {formatNs(ahead.startNs)}
      </span>
      <span className={styles.aheadBar} style={{ height: bar.heightPx }}>
        {parts.map((part) => (
          <span key={part.name} data-phase={part.name} style={{ flexGrow: part.endNs - part.startNs }} />
        ))}
      </span>
      <span>ahead of the click</span>
      <b>{formatNs(ahead.durationNs)}</b>
    </button>
  );
}
