import { useState } from 'react';
import type { BootTimeline, PhaseName } from '#shared/model/timeline.ts';
import { useSession, useTheme } from '../bind/studio.tsx';
import { TimelineView } from '../features/timeline/timeline-view.tsx';

/** A cold start on a cluster, drawn as any other; the last shown run of the same function is drawn beneath it. */
export function ClusterTimeline({ timeline, name }: { readonly timeline: BootTimeline; readonly name: string }) {
  const theme = useTheme();
  const [selectedPhase, onSelectPhase] = useState<PhaseName | null>(null);
  const local = useSession((state) => {
    const project = state.projects.value?.find((one) => one.name === name);
    return project === undefined ? null : (state.shown[project.id]?.run?.timeline ?? null);
  });
  return (
    <TimelineView
      timeline={timeline}
      previous={local}
      underWay={!timeline.complete}
      note={timeline.complete ? null : 'until its first request'}
      samples={null}
      clickedAtMs={0}
      theme={theme}
      selectedPhase={selectedPhase}
      onSelectPhase={onSelectPhase}
    />
  );
}
