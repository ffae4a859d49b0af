import { lowerBound } from '../../ui/instrument-rates.ts';
import type { Lane, Lanes } from './lanes.ts';
import { nsToPx, pxToNs, type TimeWindow } from './time-scale.ts';
import { phaseAt, type Segment, type TimelineModel } from './timeline-model.ts';

/** The objects under a point of the plot. */
export interface Hit {
  readonly atNs: number;
  readonly row: 'axis' | 'bar' | 'spread' | 'ghost' | 'marks' | 'strips';
  readonly phase: Segment | null;
  readonly ghost: Segment | null;
  readonly ahead: Segment | null;
  /** Index of the nearest mark within reach; -1 when there is none. */
  readonly mark: number;
}

/** The pointer's reach to a mark, wide enough for a mouse's jitter. */
const reachPx = 6;

/** Finds the objects at (`xPx`, `yPx`) of a plot `widthPx` wide. */
export function hitTest(
  model: TimelineModel,
  lanes: Lanes,
  window: TimeWindow,
  widthPx: number,
  xPx: number,
  yPx: number,
): Hit {
  const atNs = pxToNs(window, widthPx, xPx);
  return {
    atNs,
    row: rowAt(lanes, yPx),
    phase: phaseAt(model.segments, atNs),
    ghost: phaseAt(model.ghost, atNs),
    ahead: phaseAt(model.ahead, atNs),
    mark: nearestMark(model, window, widthPx, xPx),
  };
}

function rowAt(lanes: Lanes, yPx: number): Hit['row'] {
  const above = (lane: Lane) => yPx < lane.topPx + lane.heightPx;
  if (above(lanes.axis)) return 'axis';
  if (above(lanes.bar)) return 'bar';
  if (lanes.spread.heightPx > 0 && above(lanes.spread)) return 'spread';
  if (lanes.ghost.heightPx > 0 && above(lanes.ghost)) return 'ghost';
  return above(lanes.marks) ? 'marks' : 'strips';
}

/** The mark nearest to `xPx` and at most `reachPx` from it; -1 when there is none. */
export function nearestMark(model: TimelineModel, window: TimeWindow, widthPx: number, xPx: number): number {
  const next = lowerBound(model.markAtNs, pxToNs(window, widthPx, xPx));
  let best = -1;
  let bestPx = reachPx;
  for (const index of [next - 1, next]) {
    const at = model.markAtNs[index];
    if (at === undefined) continue;
    const distance = Math.abs(nsToPx(window, widthPx, at) - xPx);
    if (distance > bestPx) continue;
    best = index;
    bestPx = distance;
  }
  return best;
}

/** The next mark after (`step` 1) or before (`step` −1) an instant; -1 when there is none. */
export function neighbourMark(model: TimelineModel, atNs: number, step: 1 | -1): number {
  // Half a nanosecond apart is the same instant: marks are whole nanoseconds.
  const index = step === 1 ? lowerBound(model.markAtNs, atNs + 0.5) : lowerBound(model.markAtNs, atNs - 0.5) - 1;
  return index >= 0 && index < model.marks.length ? index : -1;
}
