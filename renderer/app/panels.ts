import type { PanelImperativeHandle } from 'react-resizable-panels';

export type PanelName = 'side' | 'right' | 'timeline' | 'dock';

const handles = new Map<PanelName, PanelImperativeHandle>();

/** Stores the handle of a panel, as React passes it. */
export const panelRef = (name: PanelName) => (handle: PanelImperativeHandle | null) => {
  if (handle === null) handles.delete(name);
  else handles.set(name, handle);
};

/** Collapses a panel, or restores its former size. */
export function togglePanel(name: PanelName): void {
  const handle = handles.get(name);
  if (handle === undefined) return;
  if (handle.isCollapsed()) handle.expand();
  else handle.collapse();
}

/** Makes sure that a panel is visible. */
export function showPanel(name: PanelName): void {
  const handle = handles.get(name);
  if (handle?.isCollapsed()) handle.expand();
}
