import type { Project, RuntimeInfo } from '#shared/model/project.ts';
import { useSession, useStudio, useTask } from '../../bind/studio.tsx';
import { runtimeOf } from '../../state/config.ts';
import { configPath } from '../../state/config-text.ts';
import { docKey, type NanosReleases } from '../../state/session.ts';
import { Icon } from '../../ui/icon.tsx';
import { Menu, type MenuItem } from '../../ui/menu.tsx';

/** Which unikernel the function is built into. */
export function RuntimePicker({ project }: { readonly project: Project }) {
  const studio = useStudio();
  const task = useTask();
  const doc = useSession((state) => state.docs[docKey(project.id, configPath)]);
  const nanos = useSession((state) => state.nanos.value);
  const runtime = runtimeOf(project, doc);
  const lacksRelease = nanos?.releases.length === 0;
  const runtimes = useSession((state) => state.runtimes);
  const known = runtimes.find(({ id }) => id === runtime);
  const choice = ({ id, title, description }: RuntimeInfo): MenuItem => ({
    id,
    label: title,
    detail: id === 'nanos' ? `${description} ${releaseWords(nanos)}` : description,
    checked: id === runtime,
    disabled: task !== null,
    onSelect: () => void (id === runtime ? undefined : studio.config.chooseRuntime(project.id, id)),
  });
  return (
    <Menu
      label={`Runtime, ${runtime}`}
      tip={`Runtime, from firstlight.json\n${known?.description ?? ''}`}
      items={[
        ...runtimes.map(choice),
        {
          id: 'releases',
          label: lacksRelease ? 'Install a Nanos release' : 'Nanos releases',
          icon: 'download',
          separated: true,
          onSelect: () => studio.transient.setState({ center: 'releases' }),
        },
        {
          id: 'options',
          label: 'Options of this function',
          icon: 'sliders',
          shortcut: 'Ctrl+,',
          onSelect: () => studio.transient.setState({ center: 'options' }),
        },
      ]}
    >
      {runtime}
      {runtime === 'nanos' && lacksRelease && (
        <span className="warning run-lacks">
          <Icon name="warning" size={12} />
          <span className="sr-only">, no release is installed</span>
        </span>
      )}
      <Icon name="down" size={12} />
    </Menu>
  );
}

function releaseWords(nanos: NanosReleases | null): string {
  if (nanos === null) return '';
  if (nanos.releases.length === 0) return 'No release is installed yet: choosing it leads to them.';
  const used = nanos.releases.find((release) => release.inUse);
  return used === undefined ? 'None of its releases is in use.' : `Release ${used.version} is in use.`;
}
