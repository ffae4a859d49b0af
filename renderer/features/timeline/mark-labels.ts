import { nsToPx, type TimeWindow } from './time-scale.ts';
import { marksWithin, type TimelineModel } from './timeline-model.ts';

/** A mark's label with its place. Units: `xPx` of the mark, `textPx` of the text's left end; `row` counts from 0. */
export interface PlacedLabel {
  readonly mark: number;
  readonly xPx: number;
  readonly textPx: number;
  readonly row: number;
}

interface Candidate extends Omit<PlacedLabel, 'row'> {
  readonly startPx: number;
  readonly endPx: number;
}

/** Space between a label and the next text on its right. */
const gapPx = 7;
/** The distance of a label from its mark's tick: right of it, or left at the end of the plot. */
const offsetPx = 4;
/** The greatest number of tries per frame: more would cost too much in crowded windows. */
const mostTries = 160;

/**
 * Labels that neither overlap nor are crossed by another label's leader, the ones most worth reading first.
 *
 * Shape: at most `rows` rows, ascending by place.
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
    const candidate = findPlace(mark, xPx, measure(mark), widthPx);
    if (candidate === null) continue;
    const at = chosen.findIndex((other) => other.mark > mark);
    const wanted = chosen.toSpliced(at === -1 ? chosen.length : at, 0, candidate);
    const found = assignRows(wanted, rows);
    if (found === null) continue;
    chosen = wanted;
    chosenRows = found;
  }
  return chosen.map(({ mark, xPx, textPx }, i) => ({ mark, xPx, textPx, row: chosenRows[i] as number }));
}

function findPlace(mark: number, xPx: number, labelPx: number, widthPx: number): Candidate | null {
  const reachPx = offsetPx + labelPx;
  if (xPx + reachPx <= widthPx) {
    return { mark, xPx, textPx: xPx + offsetPx, startPx: xPx, endPx: xPx + reachPx + gapPx };
  }
  if (xPx < reachPx) return null;
  return { mark, xPx, textPx: xPx - reachPx, startPx: xPx - reachPx - gapPx, endPx: xPx + 1 };
}

/** A row for each label, found from the right, so that a crowd descends like stairs. Null when `rows` are too few. */
function assignRows(labels: readonly Candidate[], rows: number): number[] | null {
  const result = new Array<number>(labels.length).fill(0);
  for (let i = labels.length - 1; i >= 0; i--) {
    let row = 0;
    for (let j = i + 1; j < labels.length && row < rows; j++) {
      if (!collides(labels[i] as Candidate, row, labels[j] as Candidate, result[j] as number)) continue;
      row++;
      j = i;
    }
    if (row >= rows) return null;
    result[i] = row;
  }
  return result;
}

/** Two texts in one row, or a leader, which runs from its mark down to its own row, through the other's text. */
function collides(a: Candidate, aRow: number, b: Candidate, bRow: number): boolean {
  // Two marks at one place have one leader: their labels cannot both be attributed to it.
  if (Math.abs(a.xPx - b.xPx) < 2) return true;
  if (aRow === bRow) return a.startPx < b.endPx && b.startPx < a.endPx;
  const [upper, lower] = aRow < bRow ? [a, b] : [b, a];
  return lower.xPx > upper.startPx - 2 && lower.xPx < upper.endPx;
}
