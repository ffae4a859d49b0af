import { type RefObject, useLayoutEffect, useState } from 'react';

/** A canvas's size on the page and its device pixels per CSS pixel. */
export interface CanvasSize {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly density: number;
}

/** The current size of an element, updated at resizes and moves between screens. */
export function useCanvasSize(element: RefObject<HTMLElement | null>): CanvasSize {
  const [size, setSize] = useState<CanvasSize>({ widthPx: 0, heightPx: 0, density: 1 });
  useLayoutEffect(() => {
    const target = element.current;
    if (target === null) return;
    const read = () => {
      const { clientWidth: widthPx, clientHeight: heightPx } = target;
      setSize((old) =>
        old.widthPx === widthPx && old.heightPx === heightPx && old.density === devicePixelRatio
          ? old
          : { widthPx, heightPx, density: devicePixelRatio },
      );
    };
    read();
    const observer = new ResizeObserver(read);
    observer.observe(target);
    // A change of zoom or screen changes the density alone.
    window.addEventListener('resize', read);
    return () => {
      observer.disconnect();
      window.removeEventListener('resize', read);
    };
  }, [element]);
  return size;
}
