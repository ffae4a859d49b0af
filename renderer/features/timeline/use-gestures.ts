import { type RefObject, useEffect } from 'react';
import type { Viewport } from './viewport.ts';

/** The pointer's actions on a timeline other than moving its window. Units: px from the plot's corner. */
export interface GestureListener {
  readonly onHover: (xPx: number, yPx: number) => void;
  readonly onLeave: () => void;
  readonly onClick: (xPx: number, yPx: number) => void;
  readonly onMeasure: (fromPx: number, toPx: number) => void;
  readonly onFit: () => void;
}

/** A press that moves less than this is a click. */
const clickSlackPx = 3;
/** One notch of a wheel is about 100 px and zooms by a quarter. */
const zoomPerPx = 0.0023;
/** A trackpad pinch sends small deltas with Ctrl held. */
const pinchZoomPerPx = 0.012;
/** Firefox reports lines; a line is about this high. */
const linePx = 18;

interface Press {
  readonly xPx: number;
  readonly yPx: number;
  readonly measures: boolean;
  lastPx: number;
  moved: boolean;
}

/** Wheel and pinch zoom about the pointer, drag and Shift-wheel pan, Shift-drag or a drag in the axis measures. */
export function useGestures(
  element: RefObject<HTMLElement | null>,
  viewport: Viewport,
  axisPx: number,
  listener: RefObject<GestureListener>,
): void {
  useEffect(() => {
    const target = element.current;
    if (target === null) return;
    const pointers = new Map<number, number>();
    let press: Press | null = null;
    const at = (event: MouseEvent) => {
      const box = target.getBoundingClientRect();
      return { xPx: event.clientX - box.left, yPx: event.clientY - box.top };
    };

    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? linePx : 1;
      const sideways = event.shiftKey && event.deltaX === 0 ? event.deltaY : event.deltaX;
      if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        viewport.panPx(sideways * unit, target.clientWidth);
      } else {
        const rate = event.ctrlKey ? pinchZoomPerPx : zoomPerPx;
        viewport.zoomAtPx(Math.exp(event.deltaY * unit * rate), at(event).xPx, target.clientWidth);
      }
      const { xPx, yPx } = at(event);
      listener.current.onHover(xPx, yPx);
    };

    const onDown = (event: PointerEvent) => {
      if (event.button !== 0) return;
      target.setPointerCapture(event.pointerId);
      const { xPx, yPx } = at(event);
      pointers.set(event.pointerId, xPx);
      press = { xPx, yPx, lastPx: xPx, moved: pointers.size > 1, measures: event.shiftKey || yPx < axisPx };
    };

    const onMove = (event: PointerEvent) => {
      const { xPx, yPx } = at(event);
      if (pointers.size === 2 && pointers.has(event.pointerId)) return pinch(event.pointerId, xPx);
      if (press === null) return listener.current.onHover(xPx, yPx);
      if (!press.moved && Math.abs(xPx - press.xPx) < clickSlackPx) return;
      press.moved = true;
      if (press.measures) listener.current.onMeasure(press.xPx, xPx);
      else viewport.panPx(press.lastPx - xPx, target.clientWidth);
      press.lastPx = xPx;
      target.dataset.gesture = press.measures ? 'measure' : 'pan';
    };

    const pinch = (id: number, xPx: number) => {
      const before = [...pointers.values()] as [number, number];
      pointers.set(id, xPx);
      const now = [...pointers.values()] as [number, number];
      const wasApart = Math.max(8, Math.abs(before[0] - before[1]));
      const apart = Math.max(8, Math.abs(now[0] - now[1]));
      viewport.zoomAtPx(wasApart / apart, (now[0] + now[1]) / 2, target.clientWidth);
      viewport.panPx((before[0] + before[1] - now[0] - now[1]) / 2, target.clientWidth);
    };

    const onUp = (event: PointerEvent) => {
      pointers.delete(event.pointerId);
      if (press !== null && !press.moved && event.type === 'pointerup') listener.current.onClick(press.xPx, press.yPx);
      press = null;
      delete target.dataset.gesture;
    };
    const onLeave = () => press === null && listener.current.onLeave();
    const onDouble = () => listener.current.onFit();

    // React's wheel listener is passive; zooming must keep the page from scrolling.
    target.addEventListener('wheel', onWheel, { passive: false });
    target.addEventListener('pointerdown', onDown);
    target.addEventListener('pointermove', onMove);
    target.addEventListener('pointerup', onUp);
    target.addEventListener('pointercancel', onUp);
    target.addEventListener('pointerleave', onLeave);
    target.addEventListener('dblclick', onDouble);
    return () => {
      target.removeEventListener('wheel', onWheel);
      target.removeEventListener('pointerdown', onDown);
      target.removeEventListener('pointermove', onMove);
      target.removeEventListener('pointerup', onUp);
      target.removeEventListener('pointercancel', onUp);
      target.removeEventListener('pointerleave', onLeave);
      target.removeEventListener('dblclick', onDouble);
    };
  }, [element, viewport, axisPx, listener]);
}
