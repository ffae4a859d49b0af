import type { BootTimeline } from '#shared/model/timeline.ts';
import { totalText } from './figures.ts';
import type { Lane, Lanes } from './lanes.ts';
import type { ResourceSeries } from './resource-series.ts';
import styles from './timeline-body.module.css';
import type { TimelineModel } from './timeline-model.ts';

/** The heads that `drawHead` draws. */
const sources = 'Seen by:  ▼ host   ◆ libvirt   ▲ QMP   ■ serial console   ● guest';

/** The names of the rows, left of the plot, with the value at the top of each resource strip. */
export function StripLabels(props: {
  readonly lanes: Lanes;
  readonly series: readonly ResourceSeries[];
  readonly model: TimelineModel;
}) {
  const { lanes, series, model } = props;
  return (
    <div className={styles.gutter} aria-hidden="true">
      <Row lane={lanes.bar} name="this run" {...totalOf(model.timeline)} />
      {lanes.spread.heightPx > 0 && (
        <Row
          lane={lanes.spread}
          name={`median of ${model.comparison?.baseline.total.count ?? 0}`}
          title="How long each phase takes in the other runs: from the 5th to the 95th percentile, with a tick at the median"
        />
      )}
      {lanes.ghost.heightPx > 0 && <Row lane={lanes.ghost} name="previous" {...totalOf(model.previous)} />}
      {model.marks.length > 0 && lanes.labelRows > 0 && (
        <Row
          lane={{ topPx: lanes.marks.topPx + 3, heightPx: 14 }}
          name="marks"
          title={sources}
          value={model.marks.length.toLocaleString('en-US')}
        />
      )}
      {lanes.strips.map((lane, index) => {
        const one = series[index];
        if (one === undefined) return null;
        const value = one.atNs.length === 0 ? undefined : one.format(one.most);
        return <Row key={one.name} lane={lane} name={one.name} {...(value === undefined ? {} : { value })} />;
      })}
    </div>
  );
}

const totalOf = (timeline: BootTimeline | null) => (timeline === null ? {} : { value: totalText(timeline) });

function Row(props: { readonly lane: Lane; readonly name: string; readonly value?: string; readonly title?: string }) {
  const { lane, name, value, title } = props;
  return (
    <div className={styles.lane} data-lane={name} title={title} style={{ top: lane.topPx, height: lane.heightPx }}>
      <span>{name}</span>
      {value !== undefined && <span className={styles.laneMost}>{value}</span>}
    </div>
  );
}
