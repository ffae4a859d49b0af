import { expect, it } from 'vitest';
import type { BootTimeline } from '#shared/model/timeline.ts';
import { emptyText } from './draw-strips.ts';

const timeline = {} as BootTimeline;

it.each([
  [null, false, 0, 'no resource samples yet'],
  [timeline, true, 0, 'resources are drawn when the run has ended'],
  [timeline, false, 0, 'no resource samples for this run'],
  [timeline, false, 1, 'one resource sample: a rate takes two'],
  [timeline, false, 9, 'no resource samples in this stretch'],
])('says why there is no curve: run %o, under way %s, %s samples', (run, underWay, count, text) => {
  expect(emptyText({ timeline: run, underWay }, count)).toBe(text);
});
