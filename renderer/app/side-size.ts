/** A share of the window's width within bounds. Units: px. */
export const share = (part: number, least: number, most: number): number =>
  Math.round(Math.min(most, Math.max(least, window.innerWidth * part)));

/** The first width of the side list, and its limits. Units: px. */
export const sideSize = () => ({ defaultSize: share(0.167, 190, 320), minSize: 150, maxSize: 480 });

/** The first height of the timeline: in the smallest window still enough for curves of processor time and memory. Units: px. */
export const timelineSize = (): number => Math.round(Math.max(192, window.innerHeight * 0.268));
