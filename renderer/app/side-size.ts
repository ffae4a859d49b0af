/** A share of the window's width within bounds. Units: px. */
export const share = (part: number, least: number, most: number): number =>
  Math.round(Math.min(most, Math.max(least, window.innerWidth * part)));

/** The first width of the side list, and its limits. Units: px. */
export const sideSize = () => ({ defaultSize: share(0.167, 190, 320), minSize: 150, maxSize: 480 });
