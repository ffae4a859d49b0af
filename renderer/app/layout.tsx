import { Panel, Separator } from 'react-resizable-panels';
import { useTheme, useTransient } from '../bind/studio.tsx';
import { DoctorView } from '../features/doctor/doctor-view.tsx';
import { EditorPanel } from '../features/editor/editor-panel.tsx';
import { EventEditor } from '../features/invoke/event-editor.tsx';
import { ResponseView } from '../features/invoke/response-view.tsx';
import { TrustBanner } from '../features/projects/trust-banner.tsx';
import { HistoryStrip } from '../features/runs/history-strip.tsx';
import { wideViews } from '../state/transient.ts';
import { ErrorBoundary } from '../ui/error-boundary.tsx';
import { Dock } from './dock.tsx';
import styles from './layout.module.css';
import { type PanelName, panelRef, togglePanel } from './panels.ts';
import { SavedGroup } from './saved-group.tsx';
import { SidePanel } from './side-panel.tsx';
import { share, sideSize, timelineSize } from './side-size.ts';
import { TimelinePanel } from './timeline-panel.tsx';
import { Tips } from './tips.tsx';

const refs = {
  side: panelRef('side'),
  right: panelRef('right'),
  timeline: panelRef('timeline'),
  dock: panelRef('dock'),
};

/** The panels between run bar and status bar: they resize by dragging, collapse by double click, and keep their sizes. */
export function Workbench() {
  const theme = useTheme();
  const center = useTransient((state) => state.center);
  const wide = wideViews.includes(center);
  const layoutSerial = useTransient((state) => state.layoutSerial);
  return (
    <SavedGroup key={layoutSerial} id="rows" orientation="vertical">
      <Panel id="work" minSize={140}>
        <SavedGroup id="columns" orientation="horizontal">
          <Panel id="side" panelRef={refs.side} {...sideSize()} collapsible groupResizeBehavior="preserve-pixel-size">
            <ErrorBoundary>{!wide && <SidePanel />}</ErrorBoundary>
          </Panel>
          <Handle of="side" label="Width of the side list" />
          <Panel id="center" minSize={240}>
            <main
              className={styles.fill}
              data-region="editor"
              aria-label={center === 'environment' ? 'Environment' : 'Editor'}
            >
              {center !== 'environment' && <TrustBanner />}
              <ErrorBoundary>{center === 'environment' ? <DoctorView /> : <EditorPanel theme={theme} />}</ErrorBoundary>
              {center !== 'environment' && <Tips />}
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
      <Panel id="timeline" panelRef={refs.timeline} defaultSize={timelineSize()} minSize={110} collapsible>
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
    <aside className={styles.rightColumn} aria-label="Event and response">
      <SavedGroup id="exchange" orientation="vertical">
        <Panel id="event" defaultSize="30%" minSize={56}>
          <div className={styles.fill} data-region="event">
            <EventEditor />
          </div>
        </Panel>
        <Separator className={styles.handle} aria-label="Height of the event" />
        <Panel id="response" minSize={80}>
          <div className={styles.responseStack} data-region="response">
            <ResponseView />
            <HistoryStrip />
          </div>
        </Panel>
      </SavedGroup>
    </aside>
  );
}

/** The handle between two panels: a drag or arrows resize, a double click collapses the handle's panel. */
function Handle({ of, label }: { readonly of: PanelName; readonly label: string }) {
  return (
    <Separator className={styles.handle} aria-label={label} disableDoubleClick onDoubleClick={() => togglePanel(of)} />
  );
}
