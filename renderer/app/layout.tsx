import './layout.css';
import type { ReactNode } from 'react';
import { Group, type Layout, Panel, Separator } from 'react-resizable-panels';
import { useSaved, useStudio, useTheme, useTransient } from '../bind/studio.tsx';
import { DoctorView } from '../features/doctor/doctor-view.tsx';
import { EditorPanel } from '../features/editor/editor-panel.tsx';
import { EventEditor } from '../features/invoke/event-editor.tsx';
import { ResponseView } from '../features/invoke/response-view.tsx';
import { HistoryStrip } from '../features/runs/history-strip.tsx';
import { setSavedEntry } from '../state/context.ts';
import { ErrorBoundary } from '../ui/error-boundary.tsx';
import { Dock } from './dock.tsx';
import { type PanelName, panelRef, togglePanel } from './panels.ts';
import { SidePanel } from './side-panel.tsx';
import { TimelinePanel } from './timeline-panel.tsx';
import { Tips } from './tips.tsx';

const refs = {
  side: panelRef('side'),
  right: panelRef('right'),
  timeline: panelRef('timeline'),
  dock: panelRef('dock'),
};

/** A share of the window's width within bounds. Units: px. */
const share = (part: number, least: number, most: number) =>
  Math.round(Math.min(most, Math.max(least, window.innerWidth * part)));

/** The panels between run bar and status bar: they resize by dragging, collapse by double click, and keep their sizes. */
export function Workbench() {
  const theme = useTheme();
  const center = useTransient((state) => state.center);
  const layoutSerial = useTransient((state) => state.layoutSerial);
  return (
    <SavedGroup key={layoutSerial} id="rows" orientation="vertical">
      <Panel id="work" minSize={140}>
        <SavedGroup id="columns" orientation="horizontal">
          <Panel
            id="side"
            panelRef={refs.side}
            defaultSize={share(0.167, 190, 320)}
            minSize={150}
            maxSize={480}
            collapsible
            groupResizeBehavior="preserve-pixel-size"
          >
            <ErrorBoundary>
              <SidePanel />
            </ErrorBoundary>
          </Panel>
          <Handle of="side" label="Width of the side list" />
          <Panel id="center" minSize={240}>
            <main className="fill" data-region="editor" aria-label={center === 'editor' ? 'Editor' : 'Environment'}>
              <ErrorBoundary>{center === 'editor' ? <EditorPanel theme={theme} /> : <DoctorView />}</ErrorBoundary>
              {center === 'editor' && <Tips />}
            </main>
          </Panel>
          <Handle of="right" label="Width of event and response" />
          <Panel
            id="right"
            panelRef={refs.right}
            defaultSize={share(0.2655, 300, 520)}
            minSize={220}
            maxSize={720}
            collapsible
            groupResizeBehavior="preserve-pixel-size"
          >
            <ErrorBoundary>
              <RightColumn />
            </ErrorBoundary>
          </Panel>
        </SavedGroup>
      </Panel>
      <Handle of="timeline" label="Height of the timeline" />
      <Panel id="timeline" panelRef={refs.timeline} defaultSize="29%" minSize={110} collapsible>
        <ErrorBoundary>
          <TimelinePanel theme={theme} />
        </ErrorBoundary>
      </Panel>
      <Handle of="dock" label="Height of the dock" />
      <Panel id="dock" panelRef={refs.dock} defaultSize="21%" minSize={72} collapsible>
        <ErrorBoundary>
          <Dock theme={theme} />
        </ErrorBoundary>
      </Panel>
    </SavedGroup>
  );
}

function RightColumn() {
  return (
    <aside className="right-column" aria-label="Event and response">
      <SavedGroup id="exchange" orientation="vertical">
        <Panel id="event" defaultSize="30%" minSize={56}>
          <div className="fill" data-region="event">
            <EventEditor />
          </div>
        </Panel>
        <Separator className="handle" aria-label="Height of the event" />
        <Panel id="response" minSize={80}>
          <div className="response-stack" data-region="response">
            <ResponseView />
            <HistoryStrip />
          </div>
        </Panel>
      </SavedGroup>
    </aside>
  );
}

/** Between two panels: a drag resizes, arrows do too, a double click collapses the panel it belongs to. */
function Handle({ of, label }: { readonly of: PanelName; readonly label: string }) {
  return <Separator className="handle" aria-label={label} disableDoubleClick onDoubleClick={() => togglePanel(of)} />;
}

interface SavedGroupProps {
  readonly id: string;
  readonly orientation: 'horizontal' | 'vertical';
  readonly children: ReactNode;
}

/** A group of panels whose sizes are kept for the next start. */
function SavedGroup({ id, orientation, children }: SavedGroupProps) {
  const studio = useStudio();
  const layout = useSaved((state) => state.layouts[id]);
  return (
    <Group
      id={id}
      className="group"
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
