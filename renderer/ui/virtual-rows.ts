import { type RefObject, useCallback, useLayoutEffect, useState } from 'react';

/** Rows drawn beyond each edge, so that a quick scroll shows no gap. */
const overscan = 8;

export interface VirtualRows {
  /** The rows to draw. Shape: from `first` up to, and without, `end`. */
  readonly first: number;
  readonly end: number;
  /** Brings a row into view. */
  readonly reveal: (index: number) => void;
  /** How many rows fit. */
  readonly page: number;
}

/**
 * Which rows of a long list are in view, for a list whose rows are all of one height.
 *
 * Units: `rowHeight` and `headHeight` (a heading that stays at the top) in px.
 */
export function useVirtualRows(
  scroller: RefObject<HTMLElement | null>,
  count: number,
  rowHeight: number,
  headHeight = 0,
): VirtualRows {
  const [view, setView] = useState({ top: 0, height: 600 });
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const read = () => setView({ top: element.scrollTop, height: element.clientHeight });
    const observer = new ResizeObserver(read);
    observer.observe(element);
    element.addEventListener('scroll', read, { passive: true });
    read();
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', read);
    };
  }, [scroller]);
  const room = Math.max(0, view.height - headHeight);
  const page = Math.max(1, Math.floor(room / rowHeight));
  const reveal = useCallback(
    (index: number) => {
      const element = scroller.current;
      if (element === null) return;
      const top = index * rowHeight;
      const visible = element.clientHeight - headHeight;
      if (top < element.scrollTop) element.scrollTop = top;
      else if (top + rowHeight > element.scrollTop + visible) element.scrollTop = top + rowHeight - visible;
    },
    [scroller, rowHeight, headHeight],
  );
  return {
    first: Math.max(0, Math.min(count, Math.floor(view.top / rowHeight)) - overscan),
    end: Math.min(count, Math.ceil((view.top + room) / rowHeight) + overscan),
    reveal,
    page,
  };
}
