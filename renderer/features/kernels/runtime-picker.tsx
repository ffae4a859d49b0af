import type { Project, RuntimeInfo } from '#shared/model/project.ts';
import { useSession, useStudio, useTask } from '../../bind/studio.tsx';
import { configPath } from '../../state/config-text.ts';
import { runtimeOf } from '../../state/function-config.ts';
import { kernelRuntimes, lacksKernel, showReleases } from '../../state/kernels.ts';
import { docKey, type KernelReleases } from '../../state/session.ts';
import { Icon } from '../../ui/icon.tsx';
import { Menu, type MenuItem } from '../../ui/menu.tsx';
import styles from './runtime-picker.module.css';

/** The choice of the runtime that the function is built for. */
export function RuntimePicker({ project }: { readonly project: Project }) {
  const studio = useStudio();
  const task = useTask();
  const doc = useSession((state) => state.docs[docKey(project.id, configPath)]);
  const kernels = useSession((state) => state.kernels);
  const runtime = runtimeOf(project, doc);
  const runtimes = useSession((state) => state.runtimes);
  const known = runtimes.find(({ id }) => id === runtime);
  const choice = ({ id, title, description, kernels: words }: RuntimeInfo): MenuItem => ({
    id,
    label: title,
    detail: words === null ? description : `${description} ${releaseWords(kernels[id]?.value ?? null)}`,
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
        ...kernelRuntimes({ runtimes }).map(
          ({ id, title }, index): MenuItem => ({
            id: `releases-${id}`,
            label: lacksKernel({ kernels }, id) ? `Install a ${title} release` : `${title} releases`,
            icon: 'download',
            separated: index === 0,
            onSelect: () => showReleases(studio, id),
          }),
        ),
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
      {lacksKernel({ kernels }, runtime) && (
        <span className={`warning ${styles.lacks}`}>
          <Icon name="warning" size={12} />
          <span className="sr-only">, no release is installed</span>
        </span>
      )}
      <Icon name="down" size={12} />
    </Menu>
  );
}

function releaseWords(kernels: KernelReleases | null): string {
  if (kernels === null) return '';
  if (kernels.releases.length === 0) return 'No release is installed yet: choosing it leads to them.';
  const used = kernels.releases.find((release) => release.inUse);
  return used === undefined ? 'None of its releases is in use.' : `Release ${used.version} is in use.`;
}
