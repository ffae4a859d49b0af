import type { PanelImperativeHandle } from 'react-resizable-panels';

export type PanelName = 'side' | 'right' | 'timeline' | 'dock';

const handles = new Map<PanelName, PanelImperativeHandle>();

/** Takes the handle of a panel as React gives it. */
export const panelRef = (name: PanelName) => (handle: PanelImperativeHandle | null) => {
  if (handle === null) handles.delete(name);
  else handles.set(name, handle);
};

/** Collapses a panel, or gives it back the size it had. */
export function togglePanel(name: PanelName): void {
  const handle = handles.get(name);
  if (handle === undefined) return;
  if (handle.isCollapsed()) handle.expand();
  else handle.collapse();
}

/** Makes sure that a panel can be seen. */
export function showPanel(name: PanelName): void {
  const handle = handles.get(name);
  if (handle?.isCollapsed()) handle.expand();
}
