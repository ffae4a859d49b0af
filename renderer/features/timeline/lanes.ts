/** The place of each row of the instrument. Units: px from the canvas's top; a row of height 0 is not drawn. */
export interface Lane {
  readonly topPx: number;
  readonly heightPx: number;
}

export interface Lanes {
  readonly axis: Lane;
  readonly bar: Lane;
  /** The spread of the baseline's phases. */
  readonly spread: Lane;
  readonly ghost: Lane;
  readonly marks: Lane;
  /** Rows of labels in `marks`. */
  readonly labelRows: number;
  readonly strips: readonly Lane[];
}

/** A line of 10 px type with its spacing. */
export const labelRowPx = 13;
/** The part of the marks lane above the first label, where only ticks run. */
export const markStemPx = 4;
const axisPx = 18;
const gapPx = 3;
/** Whiskers with room for a cap and the tick of the median. */
const spreadPx = 11;
/** Under `least` a curve is a line: the strip is then a row with its number. Over `most` it wastes room for labels. */
const stripPx = { number: 13, least: 24, most: 64 };
/** The strips that get a curve before marks get a second row of labels: processor time and memory. */
const plottedFirst = 2;

/** True for a strip with room for a curve. */
export const isPlotted = (strip: Lane): boolean => strip.heightPx >= stripPx.least;

/** Below this height the bar gives room to the spread, so that the strips keep theirs. */
const compactPx = 170;
/** Below this height the strips need the room of a third row of labels. */
const tallPx = 200;

/** The rows other than the bar for which a model has data. */
export interface LaneContents {
  readonly strips: number;
  readonly hasGhost: boolean;
  readonly hasSpread: boolean;
}

/** Divides a canvas's height: the bar and axis always, then a row of labels, the strips, and more labels. The first strips get a curve. */
export function layOutLanes(heightPx: number, { strips: stripCount, hasGhost, hasSpread }: LaneContents): Lanes {
  const isCompact = hasSpread && heightPx < compactPx;
  const barPx = heightPx < 110 || isCompact ? 18 : heightPx < tallPx ? 24 : 30;
  const ghostPx = !hasGhost ? 0 : isCompact ? 12 : 13;
  let top = 0;
  const take = (height: number): Lane => {
    const lane = { topPx: top, heightPx: height };
    top += height;
    return lane;
  };
  const axis = take(axisPx);
  top += 2;
  const bar = take(barPx);
  const spread = take(!hasSpread ? 0 : isCompact ? 10 : spreadPx);
  if (hasGhost) top += 1;
  const ghost = take(ghostPx);
  const left = heightPx - top;
  const marksPx = markStemPx + labelRowPx;
  const numbersPx = stripCount * (stripPx.number + 1) + gapPx;
  const curvesPx = numbersPx + Math.min(stripCount, plottedFirst) * (stripPx.least - stripPx.number);
  const fitsStrips = left >= marksPx + numbersPx;
  const stripRoom = left >= marksPx + curvesPx ? curvesPx : fitsStrips ? numbersPx : 0;
  const labelRows = Math.max(
    0,
    Math.min(heightPx < tallPx ? 2 : 3, Math.floor((left - stripRoom - markStemPx) / labelRowPx)),
  );
  const marks = take(labelRows === 0 ? Math.max(0, Math.min(left, markStemPx)) : markStemPx + labelRows * labelRowPx);
  if (!fitsStrips) return { axis, bar, spread, ghost, marks, labelRows, strips: [] };
  top += gapPx;
  const room = heightPx - top;
  const roomWith = (plotted: number) => room - (stripCount - plotted) * (stripPx.number + 1);
  let plotted = stripCount;
  while (plotted > 0 && roomWith(plotted) < plotted * (stripPx.least + 1)) plotted--;
  const plottedPx = Math.min(stripPx.most, Math.floor(roomWith(plotted) / plotted) - 1);
  const strips = Array.from({ length: stripCount }, (_, index) => {
    const lane = take(index < plotted ? plottedPx : stripPx.number);
    top += 1;
    return lane;
  });
  return { axis, bar, spread, ghost, marks, labelRows, strips };
}
