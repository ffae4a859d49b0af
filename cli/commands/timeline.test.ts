import { describe, expect, test } from 'vitest';
import type { Run, RunSubject } from '#shared/model/run.ts';
import { summarizeRun } from '#shared/model/summarize-run.ts';
import { ns } from '#shared/model/units.ts';
import { cli, type Parts, runParts } from '../testing/run-cli.ts';
import { run, timeline } from '../testing/samples.ts';

const subject: RunSubject = {
  imageId: 'a'.repeat(64) as never,
  bundleId: 'b'.repeat(64) as never,
  host: 'qemu:///system',
  accel: 'tcg',
  startMode: 'cold',
  eventDigest: 'c'.repeat(64),
  commit: 'd'.repeat(40),
};

/** A run whose last phase takes `extraMs` longer. */
function runOf(serial: number, extraMs: number, about: Partial<RunSubject> = {}): Run {
  const phases = timeline.phases.map((phase) => ({
    ...phase,
    durationNs: ns(phase.durationNs + (phase.name === 'respond' ? extraMs * 1e6 : 0)),
    errorNs: ns(phase.name === 'respond' ? 2e5 : 0),
  }));
  return {
    ...run,
    id: `mbcdefg${serial}-abc123` as never,
    startedAt: new Date(serial * 60_000).toISOString(),
    subject: { ...subject, ...about },
    timeline: { ...timeline, phases, totalNs: ns(timeline.totalNs + extraMs * 1e6) },
  };
}

const partsOf = (runs: readonly Run[]): Parts => ({
  calls: {
    ...runParts.calls,
    'runs:list': () => runs.map(summarizeRun),
    'runs:get': ({ runId }) => runs.find(({ id }) => id === runId) as Run,
    'instances:run': () => runs[0] as Run,
  },
});
// Newest first.
const runs = [7, 1, 2, 3, 4].map((extraMs, index) => runOf(9 - index, extraMs));

describe('timeline', () => {
  test('prints how a run and its phases compare with the runs like it (TL-E3)', async () => {
    const { exitCode, out } = await cli(['timeline', 'mbcdefg9'], partsOf(runs));
    expect(exitCode).toBe(0);
    expect(out).toContain('Cold start  262 ms');
    expect(out).toContain('4.50 ms slower than the median of 4 runs (p = 0.4)');
    expect(out).toMatch(/PHASE +THIS RUN +MEDIAN OF 4 +5 TO 95 % +CHANGE +P\n/);
    // The error of this phase is 0.2 ms: no figure is finer (TL-E1).
    expect(out).toMatch(/respond +135\.0 ms|respond +135 ms +131 ms +129 ms to 132 ms +\+4\.5 ms +0\.4\n/);
    expect(out).toContain(`commit ${'d'.repeat(12)}`);
  });

  test('--baseline compares with the runs like another, and says what differs', async () => {
    const prestarted = [1, 2].map((extraMs, index) => runOf(index, extraMs, { startMode: 'prestarted' }));
    const parts = partsOf([...runs, ...prestarted]);
    const { out } = await cli(['timeline', 'mbcdefg9', '--baseline', 'mbcdefg1'], parts);
    expect(out).toContain('slower than the median of 2 runs, cold against prestarted (p = ');
    expect(out).toContain('CHANGE OF THE MEDIAN OF 5');
  });

  test('--json has what was measured and the comparison, no figure finer than its error', async () => {
    const { out } = await cli(['timeline', 'mbcdefg9', '--json'], partsOf(runs));
    const printed = JSON.parse(out);
    expect(printed).toMatchObject({ run: 'mbcdefg9-abc123', subject, comparison: { total: { deltaMs: 4.5, p: 0.4 } } });
    expect(printed.comparison.baseline.phases.respond).toMatchObject({ median: 130.5, error: 0.2, p5: 129.2 });
  });

  test('a run that is not there, or cannot be compared, is said so', async () => {
    const parts = partsOf([...runs, { ...runOf(2, 0), subject: null }]);
    expect(await cli(['timeline', 'nothing'], parts)).toMatchObject({ exitCode: 2 });
    const { exitCode, err } = await cli(['timeline', 'mbcdefg9', '--baseline', 'mbcdefg2'], parts);
    expect(exitCode).toBe(2);
    expect(err).toContain('cannot be compared');
  });

  test('run says how it compares with the runs before it', async () => {
    const { out } = await cli(['run', 'hello'], partsOf(runs));
    expect(out).toContain('  4.50 ms slower than the median of 4 runs (p = 0.4)\n');
  });
});
