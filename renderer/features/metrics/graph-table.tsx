import type { GraphSpec } from './graph-specs.ts';
import type { RateColumns } from './rate-columns.ts';
import styles from './resource-graphs.module.css';

/** The number of rows that a person reads; older ones are in the graphs. */
const mostRows = 240;

/** The graphs' numbers, newest first. */
export function GraphTable({
  columns,
  specs,
}: {
  readonly columns: RateColumns;
  readonly specs: readonly GraphSpec[];
}) {
  const indexes = Array.from(columns.atSeconds.keys()).reverse().slice(0, mostRows);
  return (
    <section className={styles.table} aria-label="Resources as a table">
      <table>
        <thead>
          <tr>
            <th scope="col">time</th>
            {specs.flatMap((spec) =>
              spec.lines.map((line) => (
                <th key={line.column} scope="col">
                  {spec.lines.length > 1 ? `${spec.title.toLowerCase()} ${line.label}` : spec.title.toLowerCase()}
                </th>
              )),
            )}
          </tr>
        </thead>
        <tbody>
          {indexes.map((index) => (
            <tr key={columns.atSeconds[index]}>
              <th scope="row">{new Date((columns.atSeconds[index] ?? 0) * 1000).toISOString().slice(11, 23)}</th>
              {specs.flatMap((spec) =>
                spec.lines.map((line) => (
                  <td key={line.column}>{spec.format(columns[line.column][index] ?? Number.NaN)}</td>
                )),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
