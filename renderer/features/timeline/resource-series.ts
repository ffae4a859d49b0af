import type { MetricSample } from '#shared/model/metrics.ts';
import { bytes } from '#shared/model/units.ts';
import { formatByteRate, formatBytes, formatPercent } from '../../ui/instrument-format.ts';
import { boundRates, counterRates, greatest, lowerBound, sparseRates } from '../../ui/instrument-rates.ts';
import type { TimeWindow } from './time-scale.ts';

/** One resource over time. Shape: `values[i]` applies to the stretch that ends at `atNs[i]`; NaN is unknown. */
export interface ResourceSeries {
  readonly name: 'cpu' | 'memory' | 'disk' | 'net';
  readonly atNs: Float64Array;
  readonly values: Float64Array;
  /** The greatest value, and the top of the strip unless that is `full`; NaN when no value is known. */
  readonly most: number;
  /** The least top of a strip, so that a near-idle line does not look busy. */
  readonly full: number;
  readonly format: (value: number) => string;
}

/**
 * The samples' resources on the timeline's axis.
 *
 * Units: `clickedAtMs` on the scale of `MetricSample.atMs`; `vmmStartNs` is when the VMM started: all counters were 0 then,
 * which makes a rate of the very first sample; null when that was before the click: the mean would include the wait.
 * No CPU rate is above `cpus`, the machine's.
 */
export function buildSeries(
  samples: readonly MetricSample[],
  clickedAtMs: number,
  vmmStartNs: number | null,
  cpus = Number.POSITIVE_INFINITY,
): readonly ResourceSeries[] {
  const sorted = withStart(
    [...samples].sort((a, b) => a.atMs - b.atMs),
    clickedAtMs,
    vmmStartNs,
  );
  const atMs = Float64Array.from(sorted, (sample) => sample.atMs);
  const atNs = atMs.map((value) => (value - clickedAtMs) * 1e6);
  const column = (read: (sample: MetricSample) => number) => Float64Array.from(sorted, read);
  const rate = (read: (sample: MetricSample) => number) => counterRates(atMs, column(read));
  // A nanosecond of CPU per second is a billionth of a vCPU.
  const cpu = boundRates(
    atMs,
    rate((sample) => sample.cpuNs).map((value) => value / 1e9),
    cpus,
  );
  const memory = column((sample) => sample.memoryBytes);
  const readAtMs = column((sample) => sample.devicesAtMs ?? sample.atMs);
  const deviceRate = (read: (sample: MetricSample) => number) => sparseRates(readAtMs, column(read));
  const disk = deviceRate((sample) => sample.diskReadBytes + sample.diskWriteBytes);
  const net = deviceRate((sample) => sample.netReceiveBytes + sample.netTransmitBytes);
  return [
    { name: 'cpu', atNs, values: cpu, most: mostOf(cpu), full: 1, format: formatPercent },
    { name: 'memory', atNs, values: memory, most: mostOf(memory), full: 1, format: formatBytes },
    { name: 'disk', atNs, values: disk, most: mostOf(disk), full: 1, format: formatByteRate },
    { name: 'net', atNs, values: net, most: mostOf(net), full: 1, format: formatByteRate },
  ];
}

function withStart(sorted: MetricSample[], clickedAtMs: number, vmmStartNs: number | null): MetricSample[] {
  const first = sorted[0];
  if (first === undefined || vmmStartNs === null || first.atMs <= clickedAtMs + vmmStartNs / 1e6) return sorted;
  const none = bytes(0);
  const start: MetricSample = {
    instanceId: first.instanceId,
    atMs: clickedAtMs + vmmStartNs / 1e6,
    cpuNs: 0,
    memoryBytes: none,
    diskReadBytes: none,
    diskWriteBytes: none,
    netReceiveBytes: none,
    netTransmitBytes: none,
  };
  return [start, ...sorted];
}

function mostOf(values: Float64Array): number {
  const most = greatest(values, -1);
  return most < 0 ? Number.NaN : most;
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
