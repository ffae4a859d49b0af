import type { KeyboardEvent } from 'react';

/** Arrows, Home and End move between the rows (`data-row`) of a list. */
export function moveInList(event: KeyboardEvent<HTMLElement>): void {
  const rows = [...event.currentTarget.querySelectorAll<HTMLElement>('[data-row]')];
  const index = rows.indexOf(document.activeElement as HTMLElement);
  if (index < 0) return;
  const target = {
    ArrowDown: rows[index + 1],
    ArrowRight: rows[index + 1],
    ArrowUp: rows[index - 1],
    ArrowLeft: rows[index - 1],
    Home: rows[0],
    End: rows.at(-1),
  }[event.key];
  if (target === undefined) return;
  event.preventDefault();
  target.focus();
}
