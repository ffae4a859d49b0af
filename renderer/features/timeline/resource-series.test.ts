import { describe, expect, it } from 'vitest';
import type { MetricSample } from '#shared/model/metrics.ts';
import { bytes, type InstanceId } from '#shared/model/units.ts';
import { buildSeries, sampledWindow, valueAt } from './resource-series.ts';

const sample = (atMs: number, cpuNs: number, diskReadBytes: number): MetricSample => ({
  instanceId: 'a' as InstanceId,
  atMs,
  cpuNs,
  memoryBytes: bytes(1024),
  diskReadBytes: bytes(diskReadBytes),
  diskWriteBytes: bytes(0),
  netReceiveBytes: bytes(0),
  netTransmitBytes: bytes(0),
});

describe('resource series', () => {
  const series = buildSeries([sample(1010, 5e6, 0), sample(1000, 0, 0), sample(1020, 15e6, 1000)], 1000, null);

  it('puts the samples on the timeline’s axis, in order', () => {
    expect([...(series[0]?.atNs ?? [])]).toEqual([0, 10e6, 20e6]);
    expect(sampledWindow(series)).toEqual({ startNs: 0, endNs: 20e6 });
    expect(sampledWindow(buildSeries([], 0, null))).toBeNull();
  });

  it('gives the mean over the stretch an instant lies in', () => {
    const [cpu, memory, disk] = series;
    expect(cpu && [valueAt(cpu, 3e6), valueAt(cpu, 12e6), valueAt(cpu, 21e6)]).toEqual([0.5, 1, Number.NaN]);
    expect(memory && valueAt(memory, 3e6)).toBe(1024);
    expect(disk && valueAt(disk, 15e6)).toBe(100_000);
    expect(memory && valueAt(memory, -1e6)).toBeNaN();
  });

  it('counts from the VMM’s start when that was after the click', () => {
    const [cpu] = buildSeries([sample(1300, 1e8, 0)], 1000, 100e6);
    expect(cpu && [...cpu.atNs]).toEqual([100e6, 300e6]);
    expect(cpu && valueAt(cpu, 200e6)).toBe(0.5);
  });

  it('knows no rate of a single sample otherwise', () => {
    const [cpu, memory] = buildSeries([sample(1300, 1e8, 0)], 1000, null);
    expect([cpu?.most, memory?.most]).toEqual([Number.NaN, 1024]);
  });
});
