import { type PhaseName, phaseNames } from '#shared/model/timeline.ts';

/** A command that a key gives to the timeline. */
export type TimelineCommand =
  | { readonly kind: 'pan'; readonly share: number }
  | { readonly kind: 'zoom'; readonly factor: number }
  | { readonly kind: 'fit' }
  | { readonly kind: 'cursor'; readonly share: number }
  | { readonly kind: 'mark'; readonly step: 1 | -1 }
  | { readonly kind: 'phase'; readonly name: PhaseName }
  | { readonly kind: 'enter' }
  | { readonly kind: 'measure' }
  | { readonly kind: 'escape' };

/** The parts of a key press that matter here. */
export interface KeyPress {
  readonly key: string;
  readonly shiftKey: boolean;
  readonly ctrlKey: boolean;
  readonly altKey: boolean;
  readonly metaKey: boolean;
}

/** Keys of the timeline, for its help text. Shape: keys, then their action. */
export const timelineKeys: readonly (readonly [string, string])[] = [
  ['← →', 'pan'],
  ['+ −', 'zoom'],
  ['F', 'fit'],
  [`1 … ${phaseNames.length}`, 'select a phase'],
  ['Enter', 'zoom to the selected phase'],
  ['Shift ← →', 'move the crosshair'],
  [', .', 'previous, next mark'],
  ['M', 'measure from the crosshair'],
  ['T', 'table'],
  ['Esc', 'clear'],
];

/** The command of a key; null when the key is not the timeline's. */
export function commandOf(press: KeyPress): TimelineCommand | null {
  if (press.ctrlKey || press.altKey || press.metaKey) return null;
  switch (press.key) {
    case 'ArrowLeft':
    case 'ArrowRight': {
      const direction = press.key === 'ArrowLeft' ? -1 : 1;
      return press.shiftKey ? { kind: 'cursor', share: 0.01 * direction } : { kind: 'pan', share: 0.12 * direction };
    }
    case '+':
    case '=':
    case 'ArrowUp':
      return { kind: 'zoom', factor: 0.7 };
    case '-':
    case '_':
    case 'ArrowDown':
      return { kind: 'zoom', factor: 1 / 0.7 };
    case 'f':
    case 'F':
    case '0':
    case 'Home':
      return { kind: 'fit' };
    case ',':
    case '.':
      return { kind: 'mark', step: press.key === ',' ? -1 : 1 };
    case 'm':
    case 'M':
      return { kind: 'measure' };
    case 'Enter':
      return { kind: 'enter' };
    case 'Escape':
      return { kind: 'escape' };
  }
  const name = /^[1-9]$/.test(press.key) ? phaseNames[Number(press.key) - 1] : undefined;
  return name === undefined ? null : { kind: 'phase', name };
}
