import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import type { TimeWindow } from './time-scale.ts';
import type { TimelineModel } from './timeline-model.ts';
import { createViewport, type Viewport } from './viewport.ts';

/** The length of `--motion` in tokens.css. */
const motionMs = 120;

/**
 * The viewport of a timeline: it shows the whole run when the run changes, and keeps the person's window when
 * only more samples arrived.
 */
export function useViewport(model: TimelineModel, bounds: TimeWindow): Viewport {
  const [viewport] = useState(() =>
    createViewport(model.fit, bounds, {
      requestFrame: (step) => requestAnimationFrame(step),
      cancelFrame: (handle) => cancelAnimationFrame(handle),
      motionMs: () => (matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : motionMs),
    }),
  );
  const shown = useRef({ timeline: model.timeline, previous: model.previous });
  useLayoutEffect(() => {
    viewport.setBounds(bounds);
    if (shown.current.timeline === model.timeline && shown.current.previous === model.previous) return;
    shown.current = { timeline: model.timeline, previous: model.previous };
    viewport.show(model.fit, true);
  }, [viewport, model, bounds]);
  useEffect(() => viewport.dispose, [viewport]);
  return viewport;
}
