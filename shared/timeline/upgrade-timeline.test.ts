import { describe, expect, it } from 'vitest';
import { type BootTimeline, bootTimelineSchema, type Mark, type PhaseName, phaseNames } from '../model/timeline.ts';
import { ns } from '../model/units.ts';
import { upgradeTimeline } from './upgrade-timeline.ts';

const mark = (name: string, atNs: number): Mark => ({
  name,
  label: name,
  atNs: ns(atNs),
  source: 'guest',
  clock: 'guest-tsc',
  errorNs: ns(7),
});

/** Seven phases, as stored before `handler` existed; `respond` from 600 to 1000. */
function stored(marks: readonly Mark[], more: Partial<BootTimeline> = {}): BootTimeline {
  const names = phaseNames.filter((name) => name !== 'handler');
  const phases = names.map((name: PhaseName, index) => ({
    name,
    startNs: ns(index * 100),
    durationNs: ns(name === 'respond' ? 400 : 100),
    errorNs: ns(5),
  }));
  return {
    startMode: 'cold',
    accel: 'tcg',
    totalNs: ns(1000),
    complete: true,
    phases,
    ahead: null,
    marks: [...marks],
    ...more,
  };
}
const spans = (timeline: BootTimeline) =>
  Object.fromEntries(timeline.phases.map(({ name, startNs, durationNs }) => [name, [startNs, durationNs]]));

describe('a timeline that was kept before `handler` was a phase', () => {
  it.each([
    ['ember.handler', 'ember.returned'],
    ['handler.called', 'handler.returned'],
  ])('TL-U1: is split where the marks %s and %s are', (called, returned) => {
    const timeline = upgradeTimeline(stored([mark(called, 650), mark(returned, 900)]));
    expect(timeline.phases.map(({ name }) => name)).toEqual([...phaseNames]);
    expect(spans(timeline)).toMatchObject({ function: [500, 150], handler: [650, 250], respond: [900, 100] });
    expect(timeline.phases.at(-1)).toMatchObject({ errorNs: 7 });
    expect(bootTimelineSchema.parse(timeline)).toEqual(timeline);
    expect(upgradeTimeline(timeline)).toBe(timeline);
  });

  it('TL-U1: a handler that never returned runs to the end', () => {
    expect(spans(upgradeTimeline(stored([mark('ember.handler', 650)], { complete: false })))).toMatchObject({
      handler: [650, 350],
      respond: [1000, 0],
    });
  });

  it('TL-U1: a mark outside of `respond` is moved into it', () => {
    const timeline = upgradeTimeline(stored([mark('ember.handler', 550), mark('ember.returned', 1200)]));
    expect(spans(timeline)).toMatchObject({ function: [500, 100], handler: [600, 400], respond: [1000, 0] });
  });

  it('TL-U2: without marks of the handler, `handler` has length 0 and `respond` stays as it was', () => {
    expect(spans(upgradeTimeline(stored([])))).toMatchObject({ handler: [600, 0], respond: [600, 400] });
  });
});
