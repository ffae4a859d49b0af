import { describe, expect, it } from 'vitest';
import { createViewport } from './viewport.ts';

const bounds = { startNs: 0, endNs: 1000 };

function makeViewport(motionMs: number) {
  const frames: ((nowMs: number) => void)[] = [];
  const viewport = createViewport(bounds, bounds, {
    requestFrame: (step) => frames.push(step),
    cancelFrame: () => frames.splice(0),
    motionMs: () => motionMs,
  });
  return { viewport, turn: (nowMs: number) => frames.splice(0).forEach((step) => void step(nowMs)) };
}

describe('viewport', () => {
  it('moves to its target within the time for a move and lands on it exactly', () => {
    const { viewport, turn } = makeViewport(120);
    viewport.show({ startNs: 200, endNs: 400 });
    turn(0);
    expect(viewport.window()).toEqual(bounds);
    turn(60);
    expect(viewport.window()).toEqual({ startNs: 175, endNs: 475 });
    turn(120);
    expect(viewport.window()).toEqual({ startNs: 200, endNs: 400 });
  });

  it('jumps where the system asks for less motion', () => {
    const { viewport } = makeViewport(0);
    viewport.show({ startNs: 200, endNs: 400 });
    expect(viewport.window()).toEqual({ startNs: 200, endNs: 400 });
  });

  it('lets a hand on the wheel end a move under way', () => {
    const { viewport, turn } = makeViewport(120);
    viewport.show({ startNs: 200, endNs: 400 });
    turn(0);
    viewport.zoomAtPx(0.5, 0, 100);
    turn(500);
    expect(viewport.window()).toEqual({ startNs: 0, endNs: 500 });
  });

  it('tells its listeners of each change until they leave', () => {
    const { viewport } = makeViewport(0);
    let calls = 0;
    const leave = viewport.subscribe(() => calls++);
    viewport.zoomAtPx(0.5, 50, 100);
    viewport.panPx(10, 100);
    leave();
    viewport.panPx(10, 100);
    expect(calls).toBe(2);
  });
});
