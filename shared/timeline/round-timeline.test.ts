import { expect, it } from 'vitest';
import { type BootTimeline, phaseNames } from '../model/timeline.ts';
import { ns } from '../model/units.ts';
import { roundTimeline } from './round-timeline.ts';

it('TL-E1: gives no figure that is finer than its error', () => {
  const phases = phaseNames.map((name, index) => ({
    name,
    startNs: ns(index * 1_234_567),
    durationNs: ns(index === 3 ? 0 : 1_234_567),
    errorNs: ns(index < 2 ? 0 : 20_000),
  }));
  const mark = { label: '', source: 'guest', clock: 'guest-tsc' } as const;
  const timeline: BootTimeline = {
    startMode: 'cold',
    accel: 'tcg',
    totalNs: ns(9_876_543),
    complete: true,
    phases,
    ahead: null,
    marks: [
      { ...mark, name: 'a', atNs: ns(3_456_789), errorNs: ns(20_000) },
      { ...mark, name: 'end', atNs: ns(9_876_543), errorNs: ns(300) },
    ],
  };
  const rounded = roundTimeline(timeline);
  expect(rounded.totalNs).toBe(9_876_500);
  expect(rounded.phases.map(({ startNs }) => startNs).slice(0, 4)).toEqual([0, 1_234_567, 2_470_000, 3_700_000]);
  expect(rounded.phases.map(({ durationNs }) => durationNs).slice(0, 4)).toEqual([1_234_567, 1_230_000, 1_230_000, 0]);
  expect(rounded.marks.map(({ atNs }) => atNs)).toEqual([3_460_000, 9_876_500]);
});
