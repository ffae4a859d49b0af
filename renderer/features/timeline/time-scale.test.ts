import { describe, expect, it } from 'vitest';
import { clampWindow, findTicks, minSpanNs, nsToPx, panBy, pxToNs, zoomAbout } from './time-scale.ts';

const bounds = { startNs: -100, endNs: 1100 };

describe('time scale', () => {
  it('maps an instant to a pixel and back', () => {
    const window = { startNs: 100, endNs: 300 };
    expect(nsToPx(window, 400, 150)).toBe(100);
    expect(pxToNs(window, 400, 100)).toBe(150);
  });

  it('keeps the instant under the pointer where it is when zooming', () => {
    const window = zoomAbout({ startNs: 0, endNs: 1000 }, 0.5, 250, bounds);
    expect(window).toEqual({ startNs: 125, endNs: 625 });
    expect(nsToPx(window, 1000, 250)).toBe(250);
  });

  it('stops at the bounds instead of squeezing the window', () => {
    expect(panBy({ startNs: 0, endNs: 1000 }, 500, bounds)).toEqual({ startNs: 100, endNs: 1100 });
    expect(panBy({ startNs: 0, endNs: 1000 }, -500, bounds)).toEqual({ startNs: -100, endNs: 900 });
  });

  it('never gets wider than the bounds or narrower than the least span', () => {
    expect(zoomAbout({ startNs: 0, endNs: 1000 }, 100, 500, bounds)).toEqual(bounds);
    const narrow = zoomAbout({ startNs: 0, endNs: 1000 }, 1e-9, 500, bounds);
    expect(narrow.endNs - narrow.startNs).toBe(minSpanNs);
    expect(clampWindow({ startNs: 500, endNs: 500 }, bounds)).toEqual({ startNs: 475, endNs: 525 });
  });

  it('puts ticks on round times at least a gap apart', () => {
    expect(findTicks({ startNs: -0.3e6, endNs: 23.4e6 }, 1000, 84)).toEqual({
      stepNs: 2e6,
      atNs: [0, 2e6, 4e6, 6e6, 8e6, 10e6, 12e6, 14e6, 16e6, 18e6, 20e6, 22e6],
    });
    expect(findTicks({ startNs: 0, endNs: 420e6 }, 1000, 84).stepNs).toBe(50e6);
    expect(findTicks({ startNs: 100, endNs: 110 }, 1000, 84).atNs).toEqual([
      100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110,
    ]);
  });

  it('has no negative zero among the ticks', () => {
    expect(findTicks({ startNs: -10, endNs: 10 }, 100, 10).atNs.some((at) => Object.is(at, -0))).toBe(false);
  });
});
