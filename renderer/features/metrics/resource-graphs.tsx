import { useMemo } from 'react';
import type { MetricSample } from '#shared/model/metrics.ts';
import { shownSpecs } from './graph-specs.ts';
import { Graphs } from './graphs.tsx';
import { buildColumns } from './rate-columns.ts';

/** Three minutes: long enough to see a leak start, short enough to see a single invocation. */
const defaultWindowMs = 180_000;

/** CPU, memory, heap, disk and network of an instance over the last minutes. */
export function ResourceGraphs(props: {
  /** The instance of the samples; null when there is none. */
  readonly name?: string | null;
  readonly samples: readonly MetricSample[];
  /** The number of the machine's CPUs: no instance uses more. */
  readonly cpus?: number | undefined;
  readonly theme: 'light' | 'dark';
  /** The length of the shown time, in ms. */
  readonly windowMs?: number;
}) {
  const { name = null, samples, cpus, theme, windowMs = defaultWindowMs } = props;
  const columns = useMemo(() => buildColumns(samples, windowMs, cpus), [samples, windowMs, cpus]);
  const empty = (
    <>
      <b>{samples.length === 0 ? 'No samples.' : 'Waiting for the second sample.'}</b> Resources are shown while an
      instance runs: start one with Ctrl+Enter, or select a running instance.
    </>
  );
  const specs = shownSpecs(columns);
  return <Graphs {...{ name, columns, specs, theme, windowMs, empty }} />;
}
