import { clampWindow, mixWindows, panBy, pxToNs, type TimeWindow, zoomAbout } from './time-scale.ts';

/** The dependencies of `createViewport`: a browser's clock in the app, a manual one in tests. */
export interface ViewportHost {
  readonly requestFrame: (step: (nowMs: number) => void) => number;
  readonly cancelFrame: (handle: number) => void;
  /** Length of an animated move; 0 where the system asks for less motion. */
  readonly motionMs: () => number;
}

/** The visible window and the moves a person can make with it. */
export interface Viewport {
  readonly window: () => TimeWindow;
  /** Calls `listener` at each change; returns the function that ends it. */
  readonly subscribe: (listener: () => void) => () => void;
  /** Sets new limits; the window stays in place if possible. */
  readonly setBounds: (bounds: TimeWindow) => void;
  /** Shows a stretch, with a short move unless `instant`. */
  readonly show: (target: TimeWindow, instant?: boolean) => void;
  readonly zoomAtPx: (factor: number, xPx: number, widthPx: number) => void;
  readonly panPx: (byPx: number, widthPx: number) => void;
  readonly dispose: () => void;
}

/** Makes the viewport of one timeline, showing `initial`. */
export function createViewport(initial: TimeWindow, initialBounds: TimeWindow, host: ViewportHost): Viewport {
  let bounds = initialBounds;
  let current = clampWindow(initial, bounds);
  let frame: number | null = null;
  const listeners = new Set<() => void>();

  const set = (next: TimeWindow) => {
    current = next;
    for (const listener of listeners) listener();
  };
  const stop = () => {
    if (frame !== null) host.cancelFrame(frame);
    frame = null;
  };

  const moveTo = (target: TimeWindow, durationMs: number) => {
    const from = current;
    let startedMs: number | null = null;
    const step = (nowMs: number) => {
      startedMs ??= nowMs;
      const share = Math.min(1, (nowMs - startedMs) / durationMs);
      set(share === 1 ? target : mixWindows(from, target, 1 - (1 - share) ** 3));
      frame = share === 1 ? null : host.requestFrame(step);
    };
    frame = host.requestFrame(step);
  };

  return {
    window: () => current,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    setBounds: (next) => {
      bounds = next;
      const clamped = clampWindow(current, bounds);
      if (clamped.startNs !== current.startNs || clamped.endNs !== current.endNs) set(clamped);
    },
    show: (target, instant = false) => {
      stop();
      const clamped = clampWindow(target, bounds);
      const durationMs = host.motionMs();
      if (instant || durationMs === 0) set(clamped);
      else moveTo(clamped, durationMs);
    },
    zoomAtPx: (factor, xPx, widthPx) => {
      stop();
      set(zoomAbout(current, factor, pxToNs(current, widthPx, xPx), bounds));
    },
    panPx: (byPx, widthPx) => {
      stop();
      set(panBy(current, (byPx / widthPx) * (current.endNs - current.startNs), bounds));
    },
    dispose: stop,
  };
}
