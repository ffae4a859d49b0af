import { nsToPx, type TimeWindow } from './time-scale.ts';
import { marksWithin, type TimelineModel } from './timeline-model.ts';

/** A mark's label with its place. Units: px from the plot's left edge; `row` counts from 0. */
export interface PlacedLabel {
  readonly mark: number;
  readonly xPx: number;
  readonly widthPx: number;
  readonly row: number;
}

interface Candidate {
  readonly mark: number;
  readonly xPx: number;
  readonly widthPx: number;
  readonly endPx: number;
}

/** Space between a label and what stands right of it. */
const gapPx = 7;
/** A label stands this far right of its mark's tick. */
export const labelOffsetPx = 4;
/** With more tries than this in one frame, crowded windows would cost more than they show. */
const mostTries = 400;

/**
 * Labels that neither overlap nor are crossed by another label's leader, the ones most worth reading first.
 *
 * Shape: at most `rows` rows, ascending by place; a label whose text would run out of the plot is left out.
 */
export function placeLabels(
  model: TimelineModel,
  window: TimeWindow,
  widthPx: number,
  rows: number,
  measure: (mark: number) => number,
): PlacedLabel[] {
  const [from, to] = marksWithin(model, window.startNs, window.endNs);
  if (rows === 0 || from === to) return [];
  let chosen: Candidate[] = [];
  let chosenRows: number[] = [];
  let tries = 0;
  for (const mark of model.markRank) {
    if (mark < from || mark >= to) continue;
    if (++tries > mostTries) break;
    const xPx = nsToPx(window, widthPx, model.markAtNs[mark] as number);
    const labelPx = measure(mark);
    const endPx = xPx + labelOffsetPx + labelPx + gapPx;
    if (endPx - gapPx > widthPx) continue;
    const at = chosen.findIndex((other) => other.mark > mark);
    const wanted = chosen.toSpliced(at === -1 ? chosen.length : at, 0, { mark, xPx, widthPx: labelPx, endPx });
    const found = assignRows(wanted, rows);
    if (found === null) continue;
    chosen = wanted;
    chosenRows = found;
  }
  return chosen.map(({ mark, xPx, widthPx: labelPx }, i) => ({
    mark,
    xPx,
    widthPx: labelPx,
    row: chosenRows[i] as number,
  }));
}

/**
 * Rows as a staircase that descends to the left: a leader runs down from its mark to its label, so a label must lie below
 * all whose marks stand above its text. Null when that takes more than `rows`.
 */
function assignRows(labels: readonly Candidate[], rows: number): number[] | null {
  const result = new Array<number>(labels.length).fill(0);
  for (let i = labels.length - 1; i >= 0; i--) {
    const { xPx, endPx } = labels[i] as Candidate;
    let row = 0;
    for (let j = i + 1; j < labels.length && (labels[j] as Candidate).xPx < endPx; j++) {
      // Two marks at one place have one leader: their labels cannot both be told to be its.
      if ((labels[j] as Candidate).xPx - xPx < 2) return null;
      row = Math.max(row, (result[j] as number) + 1);
    }
    if (row >= rows) return null;
    result[i] = row;
  }
  return result;
}
