/** The effect of a key in the console before the guest gets it. */
export type TerminalKey = 'guest' | 'app' | 'search' | 'copy' | 'paste';

/** The parts of a key press that matter here. */
export interface TerminalKeyPress {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly shiftKey: boolean;
  readonly altKey: boolean;
  readonly metaKey: boolean;
}

/** The keys that belong to the studio with Ctrl: run, save, palette, areas, console. */
const appKeys = new Set(['Enter', 's', 'S', 'k', 'K', '`', '1', '2', '3', '4', '5']);

/** Decides which part gets a key. `hasSelection`: Ctrl+C then copies the selection. */
export function routeKey(press: TerminalKeyPress, hasSelection: boolean): TerminalKey {
  const { key, ctrlKey, shiftKey, altKey, metaKey } = press;
  // F6 moves between panels: without it the console would be a trap for the keyboard.
  if (key === 'F6' || key === 'F5') return 'app';
  if (!ctrlKey || altKey || metaKey) return 'guest';
  if (key === 'f' || key === 'F') return 'search';
  if (key === 'C' || (key === 'c' && (shiftKey || hasSelection))) return 'copy';
  if (key === 'V' || (key === 'v' && shiftKey)) return 'paste';
  return appKeys.has(key) ? 'app' : 'guest';
}
