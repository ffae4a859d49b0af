import { type KeyboardEvent, type ReactNode, useCallback } from 'react';
import { joinClasses } from './join-classes.ts';
import styles from './rows.module.css';

const controls = 'button, input, select, a[href]';
const rowsOf = (list: Element) => [...list.querySelectorAll<HTMLElement>('[data-row]')];
const itemOf = (element: Element | null) => element?.closest('li, tr') ?? null;

/** The controls of a row, from left to right. Rows of a list inside it have their own. */
const controlsOf = (row: HTMLElement): HTMLElement[] =>
  [...(itemOf(row)?.querySelectorAll<HTMLElement>(controls) ?? [])].filter(
    (element) => itemOf(element) === itemOf(row) && !element.matches(':disabled'),
  );

/** Props of a list or table that make it one stop of the Tab key. */
export interface RowListProps {
  readonly ref: (list: HTMLElement | null) => (() => void) | undefined;
  readonly onKeyDown: (event: KeyboardEvent<HTMLElement>) => void;
}

/**
 * Makes a list one stop of the Tab key. Up, Down, Home and End move between its rows (`data-row`); Right and Left move between
 * a row and its own controls.
 */
export function useRowList(): RowListProps {
  const ref = useCallback((list: HTMLElement | null) => {
    if (list === null) return undefined;
    let last: HTMLElement | null = null;
    const setStops = () => {
      const rows = rowsOf(list);
      const current = last?.isConnected ? last : (rows.find((row) => row.ariaCurrent === 'true') ?? rows[0]);
      for (const row of rows)
        for (const control of controlsOf(row)) control.tabIndex = control === current && control === row ? 0 : -1;
    };
    const onFocus = ({ target }: FocusEvent) => {
      const row = itemOf(target as Element)?.querySelector<HTMLElement>('[data-row]') ?? null;
      if (row === null || row === last) return;
      last = row;
      setStops();
    };
    setStops();
    const observer = new MutationObserver(setStops);
    observer.observe(list, { childList: true, subtree: true });
    list.addEventListener('focusin', onFocus);
    return () => {
      observer.disconnect();
      list.removeEventListener('focusin', onFocus);
    };
  }, []);
  return { ref, onKeyDown: moveInRows };
}

function moveInRows(event: KeyboardEvent<HTMLElement>): void {
  const focused = document.activeElement as HTMLElement | null;
  const rows = rowsOf(event.currentTarget);
  const row = rows.find((entry) => itemOf(entry) === itemOf(focused));
  if (focused === null || row === undefined || focused.matches('input:not([type="checkbox"])')) return;
  const index = rows.indexOf(row);
  const own = controlsOf(row);
  const at = own.indexOf(focused);
  const target = {
    ArrowDown: rows[index + 1],
    ArrowUp: rows[index - 1],
    Home: rows[0],
    End: rows.at(-1),
    ArrowRight: own[at + 1],
    ArrowLeft: own[at - 1],
  }[event.key];
  if (target === undefined) return;
  event.preventDefault();
  target.focus();
}

/** A list of rows that is one stop of the Tab key. */
export function RowList({
  label,
  className,
  children,
}: {
  readonly label: string;
  readonly className?: string | undefined;
  readonly children: ReactNode;
}) {
  return (
    <ul {...useRowList()} className={joinClasses(styles.rows, className)} aria-label={label}>
      {children}
    </ul>
  );
}
