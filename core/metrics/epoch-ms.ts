import type { HostNs } from '#shared/model/units.ts';

// Computed once: the wall clock may jump later, and samples must not.
const epochOffsetMs = performance.timeOrigin + performance.now() - Number(process.hrtime.bigint()) / 1e6;

/** An instant of the monotonic clock on the scale of `MetricSample.atMs`. */
export function toEpochMs(at: HostNs): number {
  return epochOffsetMs + at / 1e6;
}
