import { useSaved } from '../bind/studio.tsx';
import { BuildSummary } from '../features/build/build-summary.tsx';
import { DeploymentList } from '../features/deploy/deployment-list.tsx';
import { DoctorSummary } from '../features/doctor/doctor-view.tsx';
import { GatewayList } from '../features/gateway/gateway-list.tsx';
import { ImageList } from '../features/images/image-list.tsx';
import { InstanceList } from '../features/instances/instance-list.tsx';
import { ProjectList } from '../features/projects/project-list.tsx';
import { RunList } from '../features/runs/run-list.tsx';
import { SearchPanel } from '../features/search/search-panel.tsx';
import styles from './side-panel.module.css';

/** The side list of the chosen area. */
export function SidePanel() {
  const area = useSaved((state) => state.area);
  return (
    <aside className={styles.side} aria-label="Side list" data-region="side">
      {area === 'functions' && (
        <>
          <ProjectList />
          <InstanceList />
        </>
      )}
      {area === 'instances' && <InstanceList detailed />}
      {area === 'builds' && <BuildSummary />}
      {area === 'runs' && <RunList />}
      {area === 'environment' && <DoctorSummary />}
      {area === 'images' && <ImageList />}
      {area === 'search' && <SearchPanel />}
      {area === 'deployments' && <DeploymentList />}
      {area === 'gateway' && <GatewayList />}
    </aside>
  );
}
