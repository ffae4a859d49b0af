import { type PanelName, showPanel } from './panels.ts';

/** The panels that F6 walks through, in reading order. Shape: the value of their `data-region`. */
export const regions = [
  'run',
  'areas',
  'side',
  'view',
  'editor',
  'event',
  'response',
  'timeline',
  'dock',
  'status',
] as const;

const panelOf: Readonly<Record<string, PanelName>> = {
  side: 'side',
  event: 'right',
  response: 'right',
  timeline: 'timeline',
  dock: 'dock',
};
const focusable =
  'textarea:not(:disabled), [tabindex="0"], button:not(:disabled):not([tabindex="-1"]), input:not(:disabled), a[href], canvas[tabindex]';
const lastFocused = new WeakMap<Element, HTMLElement>();

/** Remembers the last focused element of each panel. Returns the function that stops it. */
export function trackFocus(): () => void {
  const remember = (event: FocusEvent) => {
    const target = event.target;
    if (!(target instanceof HTMLElement)) return;
    const region = target.closest('[data-region]');
    if (region !== null) lastFocused.set(region, target);
  };
  document.addEventListener('focusin', remember);
  return () => document.removeEventListener('focusin', remember);
}

/** True for a panel that a wide view covers. */
export function isCovered(name: string): boolean {
  const region = document.querySelector(`[data-region="${name}"]`);
  return region?.closest('[data-covered]') !== null && region !== null;
}

/** Focuses a panel, and first shows it when it is collapsed. False when it contains no focusable element. */
export function focusRegion(name: string): boolean {
  if (isCovered(name)) return false;
  const panel = panelOf[name];
  if (panel !== undefined) showPanel(panel);
  const region = document.querySelector<HTMLElement>(`[data-region="${name}"]`);
  if (region === null) return false;
  const last = lastFocused.get(region);
  const editing = region.querySelector<HTMLElement>('.monaco-editor .native-edit-context, .monaco-editor textarea');
  const wanted =
    last?.isConnected && last.offsetParent !== null
      ? last
      : (editing ??
        region.querySelector<HTMLElement>('[data-main], [data-row]') ??
        region.querySelector<HTMLElement>(focusable));
  wanted?.focus();
  return wanted !== null && wanted !== undefined;
}

/** Moves the focus to the next or previous panel that can take it. */
export function nextRegion(step: 1 | -1): void {
  const here = document.activeElement?.closest<HTMLElement>('[data-region]')?.dataset.region;
  const start = regions.indexOf(here as (typeof regions)[number]);
  for (let offset = 1; offset <= regions.length; offset++) {
    const index = (start + step * offset + regions.length * 2) % regions.length;
    const name = regions[index];
    if (name !== undefined && focusRegion(name)) return;
  }
}
