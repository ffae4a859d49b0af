import { describe, expect, it } from 'vitest';
import type { MetricSample } from '#shared/model/metrics.ts';
import { bytes, type InstanceId } from '#shared/model/units.ts';
import { scaleTop } from './graph-specs.ts';
import { buildColumns, lastKnown } from './rate-columns.ts';

const sample = (instanceId: string, atMs: number, cpuNs: number): MetricSample => ({
  instanceId: instanceId as InstanceId,
  atMs,
  cpuNs,
  memoryBytes: bytes(cpuNs),
  diskReadBytes: bytes(0),
  diskWriteBytes: bytes(cpuNs),
  netReceiveBytes: bytes(0),
  netTransmitBytes: bytes(0),
});

describe('rate columns', () => {
  it('gives CPU in vCPUs and bytes per second', () => {
    const columns = buildColumns([sample('a', 1000, 0), sample('a', 2000, 5e8), sample('a', 3000, 1.5e9)], 60_000);
    expect([...columns.cpu]).toEqual([Number.NaN, 0.5, 1]);
    expect([...columns.diskWrite]).toEqual([Number.NaN, 5e8, 1e9]);
    expect([...columns.atSeconds]).toEqual([1, 2, 3]);
    expect(lastKnown(columns.cpu)).toBe(1);
  });

  it('shows the newest instance alone, and the window with the sample before it', () => {
    const columns = buildColumns(
      [sample('old', 9000, 7), ...[1000, 2000, 3000, 4000, 9500].map((at) => sample('new', at, at))],
      6000,
    );
    expect([...columns.atSeconds]).toEqual([3, 4, 9.5]);
  });

  it('is empty without samples', () => {
    expect(buildColumns([], 1000).atSeconds).toHaveLength(0);
    expect(lastKnown(new Float64Array())).toBeNaN();
  });
});

it('tops a scale with a number that halves well', () => {
  expect([0.2, 1.3, 5.5].map((most) => scaleTop(most, 1, 10))).toEqual([1, 2, 6]);
  expect([10, 40 * 1024 ** 2].map((most) => scaleTop(most, 1024, 2))).toEqual([1024, 48 * 1024 ** 2]);
});
