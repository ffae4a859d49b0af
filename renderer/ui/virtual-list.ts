import {
  type FocusEvent,
  type KeyboardEvent,
  type RefObject,
  useCallback,
  useLayoutEffect,
  useRef,
  useState,
} from 'react';
import { flushSync } from 'react-dom';
import { type RowListProps, useRowList } from './row-list.tsx';
import { type VirtualPart, virtualParts } from './virtual-parts.ts';
import { useVirtualRows } from './virtual-rows.ts';

export interface VirtualListOptions {
  /** What names each row, in order. */
  readonly keys: readonly string[];
  /** Units: px. A first guess: rows that are drawn are measured. */
  readonly rowHeight: number;
  /** Units: px. A heading that stays at the top. */
  readonly headHeight?: number;
}

export interface VirtualList {
  /** Props of the list or table. */
  readonly list: RowListProps & { readonly onFocus: (event: FocusEvent<HTMLElement>) => void };
  /** What to draw, in order. Each row has its index as `data-index`; the first part, a gap, takes `start`. */
  readonly parts: readonly VirtualPart[];
  readonly start: RefObject<HTMLElement | null>;
  /** Units: px. */
  readonly rowHeight: number;
  /** Brings a row into view. */
  readonly reveal: (key: string) => void;
}

/**
 * A list or table (`useRowList`) that draws only the rows in view, and the one that has, or last had, the focus. The keys
 * that move between rows reach all of them. It must be inside an element with the class `scroll`.
 */
export function useVirtualList({ keys, rowHeight: guess, headHeight = 0 }: VirtualListOptions): VirtualList {
  const rows = useRowList();
  const scroller = useRef<HTMLElement | null>(null);
  const element = useRef<HTMLElement | null>(null);
  const start = useRef<HTMLElement | null>(null);
  const [rowHeight, setRowHeight] = useState(guess);
  const [focused, setFocused] = useState<string | null>(null);
  const kept = focused === null ? -1 : keys.indexOf(focused);
  const { first, end, page, reveal } = useVirtualRows(scroller, keys.length, rowHeight, headHeight, start);
  const parts = virtualParts(keys.length, first, end, kept);

  useLayoutEffect(() => {
    const row = element.current?.querySelector('[data-index]');
    const height = row?.getBoundingClientRect().height ?? 0;
    if (height > 0) setRowHeight(height);
  });

  const setRows = rows.ref;
  const ref = useCallback(
    (list: HTMLElement | null) => {
      element.current = list;
      scroller.current = list?.closest<HTMLElement>('.scroll') ?? null;
      return setRows(list);
    },
    [setRows],
  );

  const focusRow = (list: HTMLElement, index: number) => {
    flushSync(() => setFocused(keys[index] ?? null));
    list.querySelector<HTMLElement>(`[data-index="${index}"] [data-row]`)?.focus();
  };

  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    const list = event.currentTarget;
    const index = indexOf(event.target);
    const last = keys.length - 1;
    const hasHead = indexOf(list.querySelector('[data-row]')) === null;
    const to =
      index === null
        ? { ArrowDown: 0, End: last }[event.key]
        : {
            ArrowDown: Math.min(last, index + 1),
            ArrowUp: index - 1,
            PageDown: Math.min(last, index + page),
            PageUp: Math.max(0, index - page),
            Home: hasHead ? -1 : 0,
            End: last,
          }[event.key];
    // Above the first row is what the list has besides.
    if (to === undefined || to < 0 || last < 0 || isText(event.target)) return rows.onKeyDown(event);
    if (index === null && !hasHead) return rows.onKeyDown(event);
    event.preventDefault();
    focusRow(list, to);
  };

  return {
    list: {
      ref,
      onKeyDown,
      onFocus: ({ target }) => {
        const index = indexOf(target);
        if (index !== null) setFocused(keys[index] ?? null);
      },
    },
    parts,
    start,
    rowHeight,
    reveal: useCallback((key) => reveal(keys.indexOf(key)), [reveal, keys]),
  };
}

const isText = (target: EventTarget): boolean =>
  target instanceof HTMLInputElement && target.type !== 'checkbox' && target.type !== 'radio';

/** The index of the row that an element is in; null outside the rows. */
function indexOf(target: EventTarget | null): number | null {
  const row = target instanceof Element ? target.closest<HTMLElement>('[data-index]') : null;
  return row === null ? null : Number(row.dataset.index);
}
