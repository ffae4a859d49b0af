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
 * Units: `rowHeight` and `headHeight` (a heading that stays at the top) in px. `start` is an element at the top of the first
 * row, for a list that is not alone in its scroller.
 */
export function useVirtualRows(
  scroller: RefObject<HTMLElement | null>,
  count: number,
  rowHeight: number,
  headHeight = 0,
  start?: RefObject<HTMLElement | null>,
): VirtualRows {
  const [view, setView] = useState({ top: 0, height: 600 });
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const read = () => {
      const now = { top: topOf(element, start?.current), height: element.clientHeight };
      setView((before) => (before.top === now.top && before.height === now.height ? before : now));
    };
    const observer = new ResizeObserver(read);
    observer.observe(element);
    // What stands above the list may grow.
    for (const child of start === undefined ? [] : element.children) observer.observe(child);
    element.addEventListener('scroll', read, { passive: true });
    read();
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', read);
    };
  }, [scroller, start]);
  const room = Math.max(0, view.height - headHeight);
  const page = Math.max(1, Math.floor(room / rowHeight));
  const reveal = useCallback(
    (index: number) => {
      const element = scroller.current;
      if (element === null) return;
      const above = topOf(element, start?.current) - index * rowHeight;
      const below = rowHeight - (element.clientHeight - headHeight) - above;
      if (above > 0) element.scrollTop -= above;
      else if (below > 0) element.scrollTop += below;
    },
    [scroller, rowHeight, headHeight, start],
  );
  const top = Math.max(0, view.top);
  return {
    first: Math.max(0, Math.min(count, Math.floor(top / rowHeight)) - overscan),
    end: Math.max(0, Math.min(count, Math.ceil((view.top + room) / rowHeight) + overscan)),
    reveal,
    page,
  };
}

/** How far a list is scrolled. */
const topOf = (scroller: HTMLElement, start: HTMLElement | null | undefined): number =>
  start == null ? scroller.scrollTop : scroller.getBoundingClientRect().top - start.getBoundingClientRect().top;
