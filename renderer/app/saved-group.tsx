import type { ReactNode } from 'react';
import { Group, type Layout } from 'react-resizable-panels';
import { useSaved, useStudio } from '../bind/studio.tsx';
import { setSavedEntry } from '../state/context.ts';

interface SavedGroupProps {
  readonly id: string;
  readonly orientation: 'horizontal' | 'vertical';
  readonly children: ReactNode;
}

/** A group of panels whose sizes are kept for the next start. */
export function SavedGroup({ id, orientation, children }: SavedGroupProps) {
  const studio = useStudio();
  const layout = useSaved((state) => state.layouts[id]);
  return (
    <Group
      id={id}
      orientation={orientation}
      defaultLayout={layout as Layout | undefined}
      onLayoutChanged={(next, { isUserInteraction, requestedLayout }) => {
        if (isUserInteraction) setSavedEntry(studio, 'layouts', id, requestedLayout ?? next);
      }}
    >
      {children}
    </Group>
  );
}
