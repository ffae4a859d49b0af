import { describe, expect, it } from 'vitest';
import { type BootTimeline, phaseNames } from '../model/timeline.ts';
import { ns } from '../model/units.ts';
import { compareTimelines } from './compare-timelines.ts';

const timeline = (durations: readonly number[], errorNs: number): BootTimeline => {
  let at = 0;
  const phases = phaseNames.map((name, index) => {
    const startNs = ns(at);
    at += durations[index] ?? 0;
    return { name, startNs, durationNs: ns(durations[index] ?? 0), errorNs: ns(index === 0 ? 0 : errorNs) };
  });
  return { startMode: 'cold', accel: 'tcg', totalNs: ns(at), complete: true, phases, ahead: null, marks: [] };
};

describe('comparing two starts', () => {
  it('TL-D1: says what each phase gained, and whether the errors could explain it', () => {
    const delta = compareTimelines(timeline([10, 100, 50], 5), timeline([10, 119, 80], 5));
    expect(delta.totalDeltaNs).toBe(49);
    expect(delta.phases[0]).toEqual({ name: 'prepare', beforeNs: 10, afterNs: 10, deltaNs: 0, certain: false });
    expect(delta.phases[1]).toEqual({ name: 'vmm', beforeNs: 100, afterNs: 119, deltaNs: 19, certain: false });
    expect(delta.phases[2]).toEqual({ name: 'firmware', beforeNs: 50, afterNs: 80, deltaNs: 30, certain: true });
  });

  it('TL-D2: starts of different kinds are not comparable', () => {
    const cold = timeline([1], 0);
    expect(compareTimelines(cold, cold).comparable).toBe(true);
    expect(compareTimelines(cold, { ...cold, startMode: 'prestarted' }).comparable).toBe(false);
    expect(compareTimelines(cold, { ...cold, accel: 'kvm' }).comparable).toBe(false);
  });
});
