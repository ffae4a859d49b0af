import { useMemo } from 'react';
import { usageSpecs } from './graph-specs.ts';
import { Graphs } from './graphs.tsx';
import { type UsageReading, usageColumns } from './usage-columns.ts';

/** Ten minutes: a metrics API has a new value every 15 s or more. */
const windowMs = 600_000;

/** CPU and memory of a replica of a deployed function over the last minutes. */
export function UsageGraphs(props: {
  readonly name: string;
  readonly readings: readonly UsageReading[];
  readonly theme: 'light' | 'dark';
}) {
  const { name, readings, theme } = props;
  const columns = useMemo(() => usageColumns(readings, windowMs), [readings]);
  const empty = <b>{readings.length === 0 ? 'Asking for what it uses.' : 'Waiting for the second reading.'}</b>;
  return <Graphs {...{ name, columns, theme, windowMs, empty }} specs={usageSpecs} />;
}
