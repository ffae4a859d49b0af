import { Panel, Separator } from 'react-resizable-panels';
import type { Command } from '../bind/command.ts';
import { useTheme, useTransient } from '../bind/studio.tsx';
import { DeploymentsPage } from '../features/deploy/deployments-page.tsx';
import { GatewayPage } from '../features/gateway/gateway-page.tsx';
import { ImageInspector } from '../features/images/image-inspector.tsx';
import { ReleaseManager } from '../features/kernels/release-manager.tsx';
import { UsageGraphs } from '../features/metrics/usage-graphs.tsx';
import { OptionsForm } from '../features/options/options-form.tsx';
import { RunPage } from '../features/runs/run-page.tsx';
import { SettingsView } from '../features/settings/settings-view.tsx';
import { ErrorBoundary } from '../ui/error-boundary.tsx';
import type { Pickers } from '../ui/path-field.tsx';
import { ClusterTimeline } from './cluster-timeline.tsx';
import { DeployedConsole } from './guest-console.tsx';
import styles from './layout.module.css';
import { SavedGroup } from './saved-group.tsx';
import { SidePanel } from './side-panel.tsx';
import { sideSize } from './side-size.ts';

const titles = {
  releases: 'Releases',
  image: 'Image',
  options: 'Options',
  settings: 'Settings',
  run: 'Run',
  deployments: 'Deployed functions',
  gateway: 'Gateway',
} as const;

export interface WideViewProps {
  readonly pickers: Pickers;
  readonly commands: () => readonly Command[];
}

/** A view that needs more room than the editor's place: it covers the panels, which stay unchanged. */
export function WideView({ pickers, commands }: WideViewProps) {
  const center = useTransient((state) => state.center);
  const theme = useTheme();
  if (center === 'editor' || center === 'environment') return null;
  return (
    <div className={styles.wideView}>
      <SavedGroup id="wide" orientation="horizontal">
        <Panel id="wide-side" {...sideSize()} groupResizeBehavior="preserve-pixel-size">
          <ErrorBoundary>
            <SidePanel />
          </ErrorBoundary>
        </Panel>
        <Separator className={styles.handle} aria-label="Width of the side list" />
        <Panel id="wide-main" minSize={400}>
          <main className={styles.fill} data-region="view" aria-label={titles[center]}>
            <ErrorBoundary key={center}>
              {center === 'releases' && <ReleaseManager pickers={pickers} />}
              {center === 'image' && <ImageInspector />}
              {center === 'options' && <OptionsForm />}
              {center === 'settings' && <SettingsView commands={commands} />}
              {center === 'run' && <RunPage />}
              {center === 'gateway' && <GatewayPage />}
              {center === 'deployments' && (
                <DeploymentsPage
                  renderColdStart={(timeline, of) => <ClusterTimeline timeline={timeline} name={of.name} />}
                  renderUsage={(replica, readings) => <UsageGraphs name={replica} readings={readings} theme={theme} />}
                  renderConsole={(of, instance) => <DeployedConsole of={of} instance={instance} />}
                />
              )}
            </ErrorBoundary>
          </main>
        </Panel>
      </SavedGroup>
    </div>
  );
}
