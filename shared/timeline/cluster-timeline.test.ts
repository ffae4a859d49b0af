import { expect, it } from 'vitest';
import { bootTimelineSchema } from '../model/timeline.ts';
import { makeClusterTimeline } from './cluster-timeline.ts';

const second = { boundMs: 1000, source: 'event Pulled' };
const exact = { boundMs: 1, source: 'supervisor: request' };
const start = {
  pod: 'hello-1',
  accel: 'tcg',
  why: 'no /dev/kvm',
  totalMs: 3500,
  boundMs: 1001,
  phases: [
    { name: 'schedule', startMs: 0, endMs: 0, ...second },
    { name: 'pull', startMs: 0, endMs: 2000, ...second },
    { name: 'start', startMs: 2000, endMs: 2600, ...exact },
    { name: 'vmm', startMs: 2600, endMs: 2640, ...exact },
    { name: 'boot', startMs: 2640, endMs: 2800, ...exact, source: 'guest: HELLO' },
    { name: 'wait', startMs: 2800, endMs: 3400, ...exact },
    { name: 'answer', startMs: 3400, endMs: 3500, ...exact, source: 'guest: RESPONSE' },
  ],
} as const;

it('puts the stretches of a cluster into the phases of any start, without gaps', () => {
  const timeline = bootTimelineSchema.parse(makeClusterTimeline({ ...start, phases: [...start.phases] }));
  expect(Object.fromEntries(timeline.phases.map(({ name, durationNs }) => [name, durationNs / 1e6]))).toEqual({
    prepare: 2600,
    vmm: 40,
    firmware: 0,
    kernel: 160,
    runtime: 0,
    function: 600,
    handler: 100,
    respond: 0,
  });
  expect(timeline.phases.reduce((sum, { durationNs }) => sum + durationNs, 0)).toBe(timeline.totalNs);
  expect(timeline.complete).toBe(true);
});

it('shows firmware, kernel and runtime apart where the guest marks them', () => {
  const [schedule, pull, started, vmm, , wait, answer] = start.phases;
  const own = [
    { name: 'firmware', startMs: 2640, endMs: 2660, ...exact, source: 'guest: first instruction' },
    { name: 'kernel', startMs: 2660, endMs: 2780, ...exact, source: 'guest: mark of its runtime' },
    { name: 'runtime', startMs: 2780, endMs: 2800, ...exact, source: 'guest: HELLO' },
  ] as const;
  const phases = [schedule, pull, started, vmm, ...own, wait, answer];
  const timeline = bootTimelineSchema.parse(makeClusterTimeline({ ...start, phases }));
  expect(timeline.phases.slice(1, 6).map(({ durationNs }) => durationNs / 1e6)).toEqual([40, 20, 120, 20, 600]);
});

it('keeps the bound and the source of each moment', () => {
  const { marks, phases } = makeClusterTimeline({ ...start, phases: [...start.phases] });
  expect(marks.find(({ label }) => label === 'image pulled')).toMatchObject({ errorNs: 1e9, source: 'cluster' });
  expect(marks.find(({ label }) => label === 'guest ready')).toMatchObject({ errorNs: 1e6, source: 'guest' });
  expect(phases.find(({ name }) => name === 'vmm')?.errorNs).toBe(1e6);
});

it('is not complete before the first response', () => {
  const timeline = makeClusterTimeline({ ...start, totalMs: 2000, phases: start.phases.slice(0, 2) });
  expect(timeline).toMatchObject({ complete: false, totalNs: 2e9 });
});
