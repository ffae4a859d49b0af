import type { HostInfo } from '#shared/model/host.ts';
import type { ProjectId } from '#shared/model/units.ts';
import { useSaved, useSession, useStudio } from '../../bind/studio.tsx';
import { Icon } from '../../ui/icon.tsx';
import { Menu } from '../../ui/menu.tsx';
import { chooseHost, shownHost } from './choose-host.ts';
import styles from './host-picker.module.css';

/** The choice of the host, and so of the VMM, that runs the function. Nothing while there is one host only. */
export function HostPicker({ projectId }: { readonly projectId: ProjectId }) {
  const studio = useStudio();
  const hosts = useSession((state) => state.hosts);
  const chosen = useSaved((state) => state.hosts[projectId]);
  const shown = shownHost(hosts, chosen);
  if (hosts.length < 2 || shown === undefined) return null;
  const isLost = shown.state === 'lost';
  return (
    <Menu
      label={`Host, ${shown.name}`}
      tip={`Host that runs the function\n${describe(shown)}`}
      items={hosts.map((host) => ({
        id: host.name,
        label: host.name,
        detail: describe(host),
        checked: host === shown,
        onSelect: () => chooseHost(studio, projectId, host.name),
      }))}
    >
      <span className={`ellipsis ${styles.name}`}>{shown.name}</span>
      {isLost && (
        <span className={`warning ${styles.lost}`}>
          <Icon name="warning" size={12} />
          <span className="sr-only">, lost</span>
        </span>
      )}
      <Icon name="down" size={12} />
    </Menu>
  );
}

const describe = ({ state, failure, uri }: HostInfo): string =>
  state === 'lost' ? `Lost. ${failure ?? ''}` : state === 'connecting' ? `Connecting to ${uri}` : uri;
