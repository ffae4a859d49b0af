import { describe, expect, it } from 'vitest';
import type { RunSubject, RunSummary } from '../model/run.ts';
import { comparisonSchema, runSeriesSchema } from '../model/series.ts';
import { type PhaseName, phaseNames } from '../model/timeline.ts';
import { compareSeries, runsLike, seriesOf } from './series.ts';

const subject: RunSubject = {
  imageId: 'a'.repeat(64) as never,
  bundleId: 'b'.repeat(64) as never,
  host: 'qemu:///system',
  accel: 'tcg',
  startMode: 'cold',
  eventDigest: 'c'.repeat(64),
  commit: null,
};
let count = 0;
function runOf(totalMs: number, about: Partial<RunSubject> = {}, more: Partial<RunSummary> = {}): RunSummary {
  const phasesMs = Object.fromEntries(phaseNames.map((name) => [name, name === 'vmm' ? totalMs : 0]));
  return {
    id: `mbcdefgh-${String(++count).padStart(6, '0')}` as never,
    projectId: '0123456789ab' as never,
    functionName: 'hello',
    runtime: 'ember',
    startedAt: '2026-01-01T00:00:00.000Z',
    startMode: 'cold',
    outcome: 'ok',
    subject: { ...subject, ...about },
    totalMs,
    phasesMs: phasesMs as Record<PhaseName, number>,
    status: 200,
    accel: 'tcg',
    errorCode: null,
    ...more,
  };
}

describe('a series of runs', () => {
  it('TL-S1: holds the runs that agree in all but the commit', () => {
    const run = runOf(10, { commit: 'one' });
    const alike = runOf(11, { commit: 'two' });
    const others = [
      runOf(12, { imageId: 'd'.repeat(64) as never }),
      runOf(12, { host: 'qemu+ssh://other/system' }),
      runOf(12, { accel: 'kvm' }),
      runOf(12, { startMode: 'prestarted' }),
      runOf(12, { eventDigest: 'e'.repeat(64) }),
      runOf(12, {}, { projectId: 'ba9876543210' as never }),
      runOf(12, {}, { subject: null }),
    ];
    expect(runsLike(run, [alike, ...others, run])).toEqual([alike, run]);
    expect(runsLike({ ...run, subject: null }, [run])).toEqual([]);
  });

  it('TL-S2: has the spread of its answered runs', () => {
    const runs = [10, 12, 14, 16, 18, 20].map((totalMs) => runOf(totalMs));
    const failed = runOf(1, {}, { outcome: 'failed' });
    const series = seriesOf(runs[0] as RunSummary, [failed, ...runs]);
    expect(runSeriesSchema.parse(series)).toEqual(series);
    expect(series?.runIds).toHaveLength(6);
    expect(series?.total).toMatchObject({ count: 6, median: 15, min: 10, max: 20, interval: { low: 10, high: 20 } });
    expect(series?.phases.vmm.median).toBe(15);
    expect(seriesOf(failed, [failed])).toBeNull();
  });

  it('TL-S3: is compared with a baseline by its medians and ranks', () => {
    const image = { imageId: 'd'.repeat(64) as never };
    const before = [10, 11, 12, 13, 14].map((totalMs) => runOf(totalMs, image));
    const after = [20, 21, 22, 23, 24].map((totalMs) => runOf(totalMs));
    const all = [...after, ...before];
    const [baseline, series] = [seriesOf(before[0] as RunSummary, all), seriesOf(after[0] as RunSummary, all)];
    if (baseline === null || series === null) throw new Error('no series');
    const comparison = compareSeries(baseline, series, all);
    expect(comparisonSchema.parse(comparison)).toEqual(comparison);
    expect(comparison?.total.deltaMs).toBe(10);
    expect(comparison?.total.p).toBeCloseTo(2 / 252, 6);
    expect(comparison?.phases.kernel).toEqual({ deltaMs: 0, p: 1 });
    expect(compareSeries(baseline, series, after)).toBeNull();
  });
});
