import { type ReactNode, useCallback, useId, useState } from 'react';
import { useTokens } from '../../ui/instrument-theme.ts';
import { GraphPlot } from './graph-plot.tsx';
import type { GraphSpec } from './graph-specs.ts';
import { GraphTable } from './graph-table.tsx';
import { lastKnown, type RateColumns } from './rate-columns.ts';
import styles from './resource-graphs.module.css';
import 'uplot/dist/uPlot.min.css';

/** Graphs of one instance over the last minutes, with one crosshair for all, or the same as a table. */
export function Graphs(props: {
  /** The instance; null when there is none. */
  readonly name: string | null;
  readonly columns: RateColumns;
  readonly specs: readonly GraphSpec[];
  readonly theme: 'light' | 'dark';
  /** The length of the shown time, in ms. */
  readonly windowMs: number;
  /** What is said while there is nothing to draw. */
  readonly empty: ReactNode;
}) {
  const { name, columns, specs, theme, windowMs, empty } = props;
  const tokens = useTokens(theme);
  const syncKey = useId();
  const [hovered, setHovered] = useState<number | null>(null);
  const [asTable, setAsTable] = useState(false);
  const onHover = useCallback((index: number | null) => setHovered(index), []);

  if (columns.atSeconds.length < 2) {
    return (
      <section className={`${styles.root} ${styles.none}`} aria-label="Resources">
        <p>{empty}</p>
      </section>
    );
  }
  return (
    <section className={styles.root} aria-label="Resources">
      <div className={styles.head}>
        <span>
          {name !== null && (
            <b className={styles.name} data-part="instance-name">
              {name}
            </b>
          )}
          {hoverTime(columns, hovered)}
        </span>
        <button type="button" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
          Table
        </button>
      </div>
      {asTable ? (
        <GraphTable columns={columns} specs={specs} />
      ) : (
        <div className={styles.grid} data-graphs={specs.length}>
          {specs.map((spec) => (
            <figure key={spec.id} aria-label={describe(spec, columns)}>
              <figcaption>
                <b>{spec.title}</b> <Values spec={spec} columns={columns} index={hovered} />
              </figcaption>
              <GraphPlot
                spec={spec}
                columns={columns}
                windowSeconds={shownSeconds(columns, windowMs)}
                tokens={tokens}
                syncKey={syncKey}
                onHover={onHover}
              />
            </figure>
          ))}
        </div>
      )}
    </section>
  );
}

function Values({
  spec,
  columns,
  index,
}: {
  readonly spec: GraphSpec;
  readonly columns: RateColumns;
  readonly index: number | null;
}) {
  return (
    <>
      {spec.lines.map((line) => (
        <span key={line.label} className={styles.value} data-dashed={line.dashed}>
          {spec.lines.length > 1 && <i>{line.label}</i>}
          <strong>{spec.format(read(columns[line.column], index))}</strong>
        </span>
      ))}
      {spec.lines.length === 1 && <i>{spec.of}</i>}
    </>
  );
}

/** The shown time grows in steps with the data: a new instance would otherwise be a sliver at the edge. */
function shownSeconds(columns: RateColumns, windowMs: number): number {
  const covered = (columns.atSeconds.at(-1) ?? 0) - (columns.atSeconds[0] ?? 0);
  const step = [15, 30, 60, 120].find((seconds) => seconds >= covered) ?? windowMs / 1000;
  return Math.min(step, windowMs / 1000);
}

const read = (column: Float64Array, index: number | null): number =>
  index === null ? lastKnown(column) : (column[index] ?? Number.NaN);

const describe = (spec: GraphSpec, columns: RateColumns): string =>
  `${spec.title} ${spec.of}: ${spec.lines.map((line) => `${line.label} ${spec.format(lastKnown(columns[line.column]))}`).join(', ')}`;

function hoverTime(columns: RateColumns, index: number | null): string {
  const at = index === null ? undefined : columns.atSeconds[index];
  if (at === undefined) return 'now';
  const ago = (columns.atSeconds.at(-1) ?? at) - at;
  return `${new Date(at * 1000).toLocaleTimeString('en-GB')}, ${ago.toFixed(1)}\u00a0s ago`;
}
