import type { MetricSample } from '#shared/model/metrics.ts';
import { boundRates, counterRates, sparseRates } from '../../ui/instrument-rates.ts';

/**
 * Samples as columns for drawing.
 *
 * Shape: all arrays run in parallel, ascending by time; NaN where a rate is not known (the first sample, and where a
 * counter started again with another instance). Units: `atSeconds` since the Unix epoch (uPlot's unit), `cpu` in
 * vCPUs, `memory` and `heap…` in bytes, the rest in bytes per second.
 */
export interface RateColumns {
  readonly atSeconds: Float64Array;
  readonly cpu: Float64Array;
  readonly memory: Float64Array;
  readonly heapUsed: Float64Array;
  readonly heapClaimed: Float64Array;
  readonly diskRead: Float64Array;
  readonly diskWrite: Float64Array;
  readonly netReceive: Float64Array;
  readonly netTransmit: Float64Array;
}

/** The rates of the newest sample's instance within `windowMs` before that sample. No CPU rate is above `cpus`. */
export function buildColumns(
  samples: readonly MetricSample[],
  windowMs: number,
  cpus = Number.POSITIVE_INFINITY,
): RateColumns {
  const newest = samples.reduce<MetricSample | null>(
    (best, one) => (best === null || one.atMs > best.atMs ? one : best),
    null,
  );
  const own = samples.filter((sample) => sample.instanceId === newest?.instanceId).sort((a, b) => a.atMs - b.atMs);
  const sinceMs = (newest?.atMs ?? 0) - windowMs;
  // One sample from before the window stays: without it the window's first rate would be unknown.
  const first = Math.max(0, own.findIndex((sample) => sample.atMs >= sinceMs) - 1);
  const kept = own.slice(first);
  const atMs = Float64Array.from(kept, (sample) => sample.atMs);
  const rate = (read: (sample: MetricSample) => number) => counterRates(atMs, Float64Array.from(kept, read));
  const readAtMs = Float64Array.from(kept, (sample) => sample.devicesAtMs ?? sample.atMs);
  const deviceRate = (read: (sample: MetricSample) => number) => sparseRates(readAtMs, Float64Array.from(kept, read));
  return {
    atSeconds: atMs.map((value) => value / 1000),
    cpu: boundRates(
      atMs,
      rate((sample) => sample.cpuNs).map((value) => value / 1e9),
      cpus,
    ),
    memory: Float64Array.from(kept, (sample) => sample.memoryBytes),
    heapUsed: Float64Array.from(kept, (sample) => sample.heapUsedBytes ?? Number.NaN),
    heapClaimed: Float64Array.from(kept, (sample) => sample.heapClaimedBytes ?? Number.NaN),
    diskRead: deviceRate((sample) => sample.diskReadBytes),
    diskWrite: deviceRate((sample) => sample.diskWriteBytes),
    netReceive: deviceRate((sample) => sample.netReceiveBytes),
    netTransmit: deviceRate((sample) => sample.netTransmitBytes),
  };
}

/** The last known value of a column; NaN when there is none. */
export function lastKnown(column: Float64Array): number {
  for (let i = column.length - 1; i >= 0; i--) if (!Number.isNaN(column[i])) return column[i] as number;
  return Number.NaN;
}
