import { type KeyboardEvent, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import type { PhaseName } from '#shared/model/timeline.ts';
import type { Tokens } from '../../ui/instrument-theme.ts';
import { AheadPanel } from './ahead-panel.tsx';
import { labelFont } from './draw-marks.ts';
import { drawTimeline } from './draw-timeline.ts';
import { hitTest, neighbourMark } from './hit-test.ts';
import { HoverReadout } from './hover-readout.tsx';
import { layOutLanes } from './lanes.ts';
import type { ResourceSeries } from './resource-series.ts';
import type { Scene } from './scene.ts';
import { StripLabels } from './strip-labels.tsx';
import { nsToPx, pxToNs, spanNs, type TimeWindow } from './time-scale.ts';
import styles from './timeline-body.module.css';
import { commandOf } from './timeline-keys.ts';
import { phaseAt, type TimelineModel } from './timeline-model.ts';
import { describeInstant, describeRange, describeTimeline } from './timeline-text.ts';
import { useCanvasSize } from './use-canvas-size.ts';
import { type GestureListener, useGestures } from './use-gestures.ts';
import type { Viewport } from './viewport.ts';

interface Cursor {
  readonly atNs: number;
  readonly mark: number;
  /** True when keys moved it: a screen reader then reads it out. */
  readonly byKeys: boolean;
}

export interface TimelineCanvasProps {
  readonly model: TimelineModel;
  readonly series: readonly ResourceSeries[];
  readonly viewport: Viewport;
  readonly tokens: Tokens;
  readonly selectedPhase: PhaseName | null;
  readonly onSelectPhase: (phase: PhaseName | null) => void;
  readonly onZoomToPhase: (phase: PhaseName) => void;
  readonly onFit: () => void;
}

/** The drawn timeline with its crosshair, measuring, and keys. */
export function TimelineCanvas(props: TimelineCanvasProps) {
  const { model, series, viewport, tokens, selectedPhase, onSelectPhase, onZoomToPhase, onFit } = props;
  const plot = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const size = useCanvasSize(plot);
  const [cursor, setCursor] = useState<Cursor | null>(null);
  const [range, setRange] = useState<TimeWindow | null>(null);
  const [anchorNs, setAnchorNs] = useState<number | null>(null);
  const lanes = useMemo(
    () =>
      layOutLanes(size.heightPx, {
        strips: series.length,
        hasGhost: model.ghost.length > 0,
        hasSpread: model.spread.length > 0,
      }),
    [size.heightPx, series.length, model.ghost.length, model.spread.length],
  );
  const labelWidth = useLabelWidth(model, tokens);

  // A new run clears the span measured on the previous one.
  useLayoutEffect(() => {
    if (model.timeline === null && model.previous === null) return;
    setRange(null);
    setCursor(null);
    setAnchorNs(null);
  }, [model.timeline, model.previous]);

  useFrames(canvas, size.density, viewport, {
    model,
    series,
    lanes,
    ...size,
    tokens,
    selected: selectedPhase,
    cursorNs: cursor?.atNs ?? null,
    cursorMark: cursor?.mark ?? -1,
    range,
    labelWidth,
  });

  const moveCursor = (atNs: number, mark: number) => {
    setCursor({ atNs, mark, byKeys: true });
    if (anchorNs !== null) setRange(orderWindow(anchorNs, atNs));
    const window = viewport.window();
    if (atNs >= window.startNs && atNs <= window.endNs) return;
    const half = spanNs(window) / 2;
    viewport.show({ startNs: atNs - half, endNs: atNs + half });
  };

  const showAhead = () => {
    const ahead = model.timeline?.ahead;
    if (!ahead) return;
    const margin = ahead.durationNs * 0.05;
    viewport.show({ startNs: ahead.startNs - margin, endNs: ahead.startNs + ahead.durationNs + margin });
  };

  const gestures: GestureListener = {
    onHover: (xPx, yPx) => {
      const hit = hitTest(model, lanes, viewport.window(), size.widthPx, xPx, yPx);
      const snapped = hit.mark === -1 ? hit.atNs : (model.markAtNs[hit.mark] as number);
      setCursor({ atNs: snapped, mark: hit.mark, byKeys: false });
    },
    onLeave: () => setCursor(null),
    onClick: (xPx, yPx) => {
      const hit = hitTest(model, lanes, viewport.window(), size.widthPx, xPx, yPx);
      setRange(null);
      setAnchorNs(null);
      if (hit.row !== 'bar' && hit.row !== 'ghost') return;
      const name = (hit.row === 'ghost' ? hit.ghost : hit.phase)?.name ?? null;
      onSelectPhase(name === selectedPhase ? null : name);
    },
    onMeasure: (fromPx, toPx) => {
      const window = viewport.window();
      setRange(orderWindow(pxToNs(window, size.widthPx, fromPx), pxToNs(window, size.widthPx, toPx)));
      setCursor(null);
    },
    onFit,
  };
  const listener = useRef(gestures);
  useLayoutEffect(() => {
    listener.current = gestures;
  });
  useGestures(plot, viewport, lanes.axis.heightPx, listener);
  // The plot is a custom widget: it takes the focus, and handles its keys only then.
  useLayoutEffect(() => {
    if (plot.current !== null) plot.current.tabIndex = 0;
  }, []);

  const onKeyDown = (event: KeyboardEvent) => {
    const command = commandOf(event);
    if (command === null) return;
    const window = viewport.window();
    const middle = (window.startNs + window.endNs) / 2;
    const here = cursor?.atNs ?? middle;
    switch (command.kind) {
      case 'pan':
        viewport.panPx(command.share * size.widthPx, size.widthPx);
        break;
      case 'zoom':
        viewport.zoomAtPx(command.factor, nsToPx(window, size.widthPx, here), size.widthPx);
        break;
      case 'fit':
        onFit();
        break;
      case 'cursor':
        moveCursor(here + command.share * spanNs(window), -1);
        break;
      case 'mark': {
        const mark = neighbourMark(model, cursor?.atNs ?? window.startNs, command.step);
        if (mark !== -1) moveCursor(model.markAtNs[mark] as number, mark);
        break;
      }
      case 'phase':
        onSelectPhase(command.name === selectedPhase ? null : command.name);
        break;
      case 'enter':
        if (selectedPhase !== null) onZoomToPhase(selectedPhase);
        else onSelectPhase(phaseAt(model.segments, here)?.name ?? null);
        break;
      case 'measure':
        setAnchorNs(anchorNs === null ? here : null);
        setRange(null);
        if (cursor === null) setCursor({ atNs: here, mark: -1, byKeys: true });
        break;
      case 'escape':
        if (range !== null || anchorNs !== null) {
          setRange(null);
          setAnchorNs(null);
        } else if (cursor?.byKeys) setCursor(null);
        else if (selectedPhase !== null) onSelectPhase(null);
        else return;
        break;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div className={styles.body}>
      <StripLabels lanes={lanes} series={series} model={model} />
      <AheadPanel model={model} bar={lanes.bar} onShow={showAhead} />
      <div
        ref={plot}
        className={styles.plot}
        role="application"
        aria-roledescription="timeline"
        aria-label={describeTimeline(model)}
        onKeyDown={onKeyDown}
        onBlur={() => cursor?.byKeys && setCursor(null)}
      >
        <canvas ref={canvas} />
        {cursor !== null && range === null && (
          <HoverReadout
            model={model}
            series={series}
            atNs={cursor.atNs}
            mark={cursor.mark}
            xPx={nsToPx(viewport.window(), size.widthPx, cursor.atNs)}
            widthPx={size.widthPx}
          />
        )}
        <p className={styles.spoken} aria-live="polite" data-testid="timeline-range">
          {range === null ? '' : describeRange(model, range)}
        </p>
        <p className={styles.spoken} aria-live="polite" data-testid="timeline-spoken">
          {cursor?.byKeys ? describeInstant(model, cursor.atNs, cursor.mark) : ''}
        </p>
      </div>
    </div>
  );
}

const orderWindow = (a: number, b: number): TimeWindow => ({ startNs: Math.min(a, b), endNs: Math.max(a, b) });

/** Draws at most once per frame, whenever the scene or the visible window changed. */
function useFrames(
  canvas: React.RefObject<HTMLCanvasElement | null>,
  density: number,
  viewport: Viewport,
  scene: Omit<Scene, 'window'>,
): void {
  const latest = useRef(scene);
  const schedule = useRef<() => void>(() => undefined);
  useEffect(() => {
    const target = canvas.current;
    const context = target?.getContext('2d', { alpha: false });
    if (!target || !context) return;
    let frame: number | null = null;
    const draw = () => {
      frame = null;
      const { widthPx, heightPx } = latest.current;
      const width = Math.round(widthPx * density);
      const height = Math.round(heightPx * density);
      if (width === 0 || height === 0) return;
      if (target.width !== width || target.height !== height) {
        target.width = width;
        target.height = height;
      }
      drawTimeline(context, { ...latest.current, window: viewport.window() }, density);
    };
    schedule.current = () => {
      frame ??= requestAnimationFrame(draw);
    };
    schedule.current();
    const unsubscribe = viewport.subscribe(() => schedule.current());
    return () => {
      unsubscribe();
      schedule.current = () => undefined;
      if (frame !== null) cancelAnimationFrame(frame);
    };
  }, [canvas, density, viewport]);
  useEffect(() => {
    latest.current = scene;
    schedule.current();
  });
}

/** Measures each label once per run and theme: text metrics are the most expensive part of a frame with many marks. */
function useLabelWidth(model: TimelineModel, tokens: Tokens): (mark: number) => number {
  return useMemo(() => {
    const widths = new Float32Array(model.marks.length).fill(-1);
    const context = document.createElement('canvas').getContext('2d');
    if (context !== null) context.font = labelFont({ tokens });
    return (mark) => {
      if ((widths[mark] as number) < 0) {
        widths[mark] = context?.measureText(model.marks[mark]?.label ?? '').width ?? 0;
      }
      return widths[mark] as number;
    };
  }, [model.marks, tokens]);
}
