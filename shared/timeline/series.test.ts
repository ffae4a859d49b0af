import { describe, expect, it } from 'vitest';
import type { RunSubject, RunSummary } from '../model/run.ts';
import { comparisonSchema, runSeriesSchema } from '../model/series.ts';
import { type PhaseName, phaseNames } from '../model/timeline.ts';
import { describeComparison, describeSpread, formatP, isSignificant } from './describe-comparison.ts';
import { compareRuns, findBaseline, runsLike, seriesOf } from './series.ts';

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
    phaseErrorsMs: Object.fromEntries(phaseNames.map((name) => [name, 0.2])) as Record<PhaseName, number>,
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
    expect(series?.phases.vmm).toMatchObject({ median: 15, p5: 10.5, p95: 19.5, error: 0.2 });
    expect(seriesOf(failed, [failed])).toBeNull();
  });

  it('TL-S3: is compared with a baseline by its medians and ranks', () => {
    const image = { imageId: 'd'.repeat(64) as never };
    const before = [10, 11, 12, 13, 14].map((totalMs) => runOf(totalMs, image));
    const after = [20, 21, 22, 23, 24].map((totalMs) => runOf(totalMs));
    const [run, other] = [after[0] as RunSummary, before[0] as RunSummary];
    const comparison = compareRuns(run, other, [...after, ...before]);
    expect(comparisonSchema.parse(comparison)).toEqual(comparison);
    expect(comparison?.total.deltaMs).toBe(10);
    expect(comparison?.total.p).toBeCloseTo(2 / 252, 6);
    expect(comparison?.phases.kernel).toEqual({ deltaMs: 0, p: 1 });
    expect(comparison?.differences).toEqual(['image']);
    // Runs that are not in the list yet count as well.
    expect(compareRuns(run, other, [])?.series.total.count).toBe(1);
  });

  it('TL-S4: has as baseline its own earlier runs, or the series before the last edit while that has more', () => {
    let minute = 0;
    const at = () => ({ startedAt: new Date(60_000 * ++minute).toISOString() });
    const old = { imageId: 'd'.repeat(64) as never };
    const before = [10, 11, 12, 13, 14].map((totalMs) => runOf(totalMs, old, at()));
    const otherMode = runOf(9, { startMode: 'prestarted' }, at());
    const after = [20, 21, 22, 23, 24, 25].map((totalMs) => runOf(totalMs, {}, at()));
    const all = [...before, otherMode, ...after].reverse();
    const newestBefore = before[4]?.id;
    expect(findBaseline(after[0] as RunSummary, all)?.id).toBe(newestBefore);
    expect(findBaseline(after[4] as RunSummary, all)?.id).toBe(newestBefore);
    expect(findBaseline(after[5] as RunSummary, all)?.id).toBe(after[4]?.id);
    expect(findBaseline(before[1] as RunSummary, all)?.id).toBe(before[0]?.id);
    expect(findBaseline(before[0] as RunSummary, all)).toBeNull();
    expect(findBaseline(otherMode, all)).toBeNull();
  });

  it('TL-S5: compares a run alone with the others of its series, and says what else differs', () => {
    const runs = [26, 20, 21, 22, 23].map((totalMs) => runOf(totalMs));
    const [run, other] = runs as [RunSummary, RunSummary];
    const alone = compareRuns(run, other, runs);
    expect(alone).toMatchObject({ series: { total: { count: 1 } }, baseline: { total: { count: 4, median: 21.5 } } });
    expect(alone && describeComparison(alone)).toBe('4.50 ms slower than the median of 4 runs (p = 0.4)');
    const prestarted = [2, 3].map((totalMs) => runOf(totalMs, { startMode: 'prestarted' }));
    const modes = compareRuns(run, prestarted[0] as RunSummary, [...prestarted, ...runs]);
    expect(modes && describeComparison(modes)).toBe(
      'median of 5 runs 19.5 ms slower than the median of 2 runs, cold against prestarted (p = 0.095)',
    );
    const edited = compareRuns(run, runOf(26, { imageId: 'd'.repeat(64) as never }), [run]);
    expect(edited && describeComparison(edited)).toBe('as fast as the one run of another build');
  });

  it('TL-S6: calls a difference significant only beyond the noise, and never compares what was not answered', () => {
    expect(isSignificant({ deltaMs: 1, p: 0.04 }, [])).toBe(true);
    expect(isSignificant({ deltaMs: 1, p: 0.04 }, ['image'])).toBe(true);
    expect(isSignificant({ deltaMs: 1, p: 0.05 }, [])).toBe(false);
    expect(isSignificant({ deltaMs: 1, p: 0.001 }, ['startMode'])).toBe(false);
    const [ok, threw] = [runOf(10), runOf(1, {}, { outcome: 'failed' })];
    expect(compareRuns(threw, ok, [ok, threw])).toBeNull();
    expect(findBaseline(threw, [ok, threw])).toBeNull();
    expect(compareRuns(ok, runOf(1, {}, { subject: null }), [ok])).toBeNull();
  });

  it('TL-E1: is described by figures no finer than their errors', () => {
    const spread = seriesOf(
      runOf(1),
      [1.234, 2.345, 3.456].map((totalMs) => runOf(totalMs)),
    )?.phases.vmm;
    expect(spread && describeSpread(spread)).toBe('1.3 ms to 3.3 ms');
    expect(spread && describeSpread({ ...spread, count: 1 })).toBe('–');
    expect([0.2668, 0.00123, 0.0004, 1].map(formatP)).toEqual(['p = 0.27', 'p = 0.0012', 'p < 0.001', 'p = 1']);
  });
});
