import type { MetricSample } from '#shared/model/metrics.ts';
import { formatByteRate, formatBytes, formatPercent } from '../../ui/instrument-format.ts';
import { counterRates, greatest, lowerBound } from '../../ui/instrument-rates.ts';
import type { TimeWindow } from './time-scale.ts';

/** One resource over time. Shape: `values[i]` holds over the stretch that ends at `atNs[i]`; NaN is unknown. */
export interface ResourceSeries {
  readonly name: 'cpu' | 'memory' | 'disk' | 'net';
  readonly atNs: Float64Array;
  readonly values: Float64Array;
  /** The greatest value, and the top of the strip unless that is `full`. */
  readonly most: number;
  /** What a strip shows at least, so that a near-idle line does not look busy. */
  readonly full: number;
  readonly format: (value: number) => string;
}

/** The samples' resources on the timeline's axis. Units: `clickedAtMs` on the scale of `MetricSample.atMs`. */
export function buildSeries(samples: readonly MetricSample[], clickedAtMs: number): readonly ResourceSeries[] {
  const sorted = [...samples].sort((a, b) => a.atMs - b.atMs);
  const atMs = Float64Array.from(sorted, (sample) => sample.atMs);
  const atNs = atMs.map((value) => (value - clickedAtMs) * 1e6);
  const column = (read: (sample: MetricSample) => number) => Float64Array.from(sorted, read);
  const rate = (read: (sample: MetricSample) => number) => counterRates(atMs, column(read));
  // A nanosecond of CPU per second is a billionth of a vCPU.
  const cpu = rate((sample) => sample.cpuNs).map((value) => value / 1e9);
  const memory = column((sample) => sample.memoryBytes);
  const disk = rate((sample) => sample.diskReadBytes + sample.diskWriteBytes);
  const net = rate((sample) => sample.netReceiveBytes + sample.netTransmitBytes);
  return [
    { name: 'cpu', atNs, values: cpu, most: greatest(cpu, 0), full: 1, format: formatPercent },
    { name: 'memory', atNs, values: memory, most: greatest(memory, 0), full: 1, format: formatBytes },
    { name: 'disk', atNs, values: disk, most: greatest(disk, 0), full: 1, format: formatByteRate },
    { name: 'net', atNs, values: net, most: greatest(net, 0), full: 1, format: formatByteRate },
  ];
}

/** The stretch the samples cover; null when there are none. */
export function sampledWindow(series: readonly ResourceSeries[]): TimeWindow | null {
  const atNs = series[0]?.atNs;
  if (atNs === undefined || atNs.length === 0) return null;
  return { startNs: atNs[0] as number, endNs: atNs.at(-1) as number };
}

/** A resource's value at an instant; NaN where it is not known. */
export function valueAt(series: ResourceSeries, atNs: number): number {
  const index = lowerBound(series.atNs, atNs);
  // Before the first sample nothing was measured.
  return index > 0 && index < series.values.length ? (series.values[index] as number) : Number.NaN;
}
