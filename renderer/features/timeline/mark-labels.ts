import { nsToPx, type TimeWindow } from './time-scale.ts';
import { marksWithin, type TimelineModel } from './timeline-model.ts';

/** A mark's label with its place. Units: px from the plot's left edge; `row` counts from 0. */
export interface PlacedLabel {
  readonly mark: number;
  readonly xPx: number;
  readonly widthPx: number;
  readonly row: number;
}

/** Space between two labels of a row. */
const gapPx = 8;
/** A label stands this far right of its mark's tick. */
export const labelOffsetPx = 3;
/** With more tries than this in one frame, crowded windows would cost more than they show. */
const mostTries = 600;

/**
 * Labels that do not overlap, the ones most worth reading first.
 *
 * Shape: at most `rows` rows; a label whose mark is outside the window or whose text would run out of the plot is left out.
 */
export function placeLabels(
  model: TimelineModel,
  window: TimeWindow,
  widthPx: number,
  rows: number,
  measure: (mark: number) => number,
): PlacedLabel[] {
  const [from, to] = marksWithin(model, window.startNs, window.endNs);
  const placed: PlacedLabel[] = [];
  if (rows === 0 || from === to) return placed;
  const taken: [start: number, end: number][][] = Array.from({ length: rows }, () => []);
  let tries = 0;
  for (const mark of model.markRank) {
    if (mark < from || mark >= to) continue;
    if (++tries > mostTries) break;
    const xPx = nsToPx(window, widthPx, model.markAtNs[mark] as number);
    const labelPx = measure(mark);
    const end = xPx + labelOffsetPx + labelPx;
    if (end > widthPx) continue;
    const row = taken.findIndex((spans) => spans.every(([a, b]) => end + gapPx <= a || xPx >= b + gapPx));
    if (row === -1) continue;
    taken[row]?.push([xPx, end]);
    placed.push({ mark, xPx, widthPx: labelPx, row });
  }
  return placed;
}
