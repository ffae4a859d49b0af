/** A visible stretch of time. Units: ns from the click, fractions allowed. Shape: `endNs > startNs`. */
export interface TimeWindow {
  readonly startNs: number;
  readonly endNs: number;
}

/** The narrowest window: below it the axis would show fractions of a nanosecond, which no clock here gives. */
export const minSpanNs = 50;

export const spanNs = (window: TimeWindow): number => window.endNs - window.startNs;

/** The place of an instant on a strip `widthPx` wide that shows `window`. */
export const nsToPx = (window: TimeWindow, widthPx: number, atNs: number): number =>
  ((atNs - window.startNs) / spanNs(window)) * widthPx;

/** The instant at `xPx` of a strip `widthPx` wide that shows `window`. */
export const pxToNs = (window: TimeWindow, widthPx: number, xPx: number): number =>
  window.startNs + (xPx / widthPx) * spanNs(window);

/** The window moved and, when too wide or too narrow, resized so that it is within `bounds`. */
export function clampWindow(window: TimeWindow, bounds: TimeWindow): TimeWindow {
  const widest = spanNs(bounds);
  const span = Math.min(widest, Math.max(minSpanNs, spanNs(window)));
  const middle = (window.startNs + window.endNs) / 2;
  const wanted = span === spanNs(window) ? window.startNs : middle - span / 2;
  const startNs = Math.min(bounds.endNs - span, Math.max(bounds.startNs, wanted));
  return { startNs, endNs: startNs + span };
}

/** The window with its span multiplied by `factor`, while `aboutNs` stays in place. */
export function zoomAbout(window: TimeWindow, factor: number, aboutNs: number, bounds: TimeWindow): TimeWindow {
  const span = Math.min(spanNs(bounds), Math.max(minSpanNs, spanNs(window) * factor));
  const share = (aboutNs - window.startNs) / spanNs(window);
  const startNs = aboutNs - share * span;
  return clampWindow({ startNs, endNs: startNs + span }, bounds);
}

/** The window moved later by `byNs`, as far as `bounds` allows. */
export const panBy = (window: TimeWindow, byNs: number, bounds: TimeWindow): TimeWindow =>
  clampWindow({ startNs: window.startNs + byNs, endNs: window.endNs + byNs }, bounds);

/** The window between two, `share` of the way (0 to 1). */
export const mixWindows = (from: TimeWindow, to: TimeWindow, share: number): TimeWindow => ({
  startNs: from.startNs + (to.startNs - from.startNs) * share,
  endNs: from.endNs + (to.endNs - from.endNs) * share,
});

/** Ticks of an axis. Shape: ascending, multiples of `stepNs`, all within the window. */
export interface Ticks {
  readonly stepNs: number;
  readonly atNs: readonly number[];
}

/** Round ticks (1, 2 or 5 times a power of ten, whole nanoseconds) at least `gapPx` apart, none finer than `errorNs`. */
export function findTicks(window: TimeWindow, widthPx: number, gapPx: number, errorNs = 0): Ticks {
  const leastNs = errorNs > 0 ? 10 ** Math.floor(Math.log10(errorNs)) : 0;
  const stepNs = roundStep(Math.max(leastNs, (spanNs(window) / Math.max(1, widthPx)) * gapPx));
  const first = Math.ceil(window.startNs / stepNs);
  const last = Math.floor(window.endNs / stepNs);
  const atNs: number[] = [];
  for (let n = first; n <= last; n++) atNs.push(n === 0 ? 0 : n * stepNs);
  return { stepNs, atNs };
}

function roundStep(leastNs: number): number {
  if (leastNs <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(leastNs));
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= leastNs * (1 - 1e-9)) ?? 10;
  return factor * power;
}
