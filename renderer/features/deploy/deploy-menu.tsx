import type { Target } from '#shared/model/deploy.ts';
import { chooseProfile } from '#shared/model/deploy-section.ts';
import { useProject, useStudio } from '../../bind/studio.tsx';
import { Icon } from '../../ui/icon.tsx';
import { Menu } from '../../ui/menu.tsx';
import { deployUsual, usualTarget } from './commands.ts';
import styles from './deploy-menu.module.css';
import { useDeploy } from './use-deploy.ts';

/** Deploys the shown function: to the usual cluster with one click, to another by the menu next to it. */
export function DeployMenu() {
  const studio = useStudio();
  const project = useProject();
  const targets = useDeploy((state) => state.targets.value) ?? [];
  const running = useDeploy((state) =>
    Object.values(state.tasks).some(({ projectId, stage }) => projectId === project?.id && stage === 'running'),
  );
  const usual = project === null ? null : usualTarget(studio, project.id);
  const items = [
    ...targets.map((place) => ({
      id: place.name,
      label: `Deploy to ${place.name}`,
      detail: detailOf(place),
      icon: 'deployments' as const,
      disabled: project === null,
      ...(place.name === usual && { shortcut: 'Ctrl+Alt+D' }),
      onSelect: () => {
        if (project !== null) void studio.deploy.deploy(project.id, place.name);
      },
    })),
    ...Object.keys(project?.config?.deploy?.profiles ?? {}).map((profile, index) => {
      const section = project?.config?.deploy;
      const target = (section === undefined ? undefined : chooseProfile(section, profile)?.target) ?? usual;
      return {
        id: `profile ${profile}`,
        label: `Deploy as ${profile}`,
        detail: target === null ? 'It names no target' : `A profile of firstlight.json, to ${target}`,
        icon: 'deployments' as const,
        separated: index === 0 && targets.length > 0,
        disabled: target === null,
        onSelect: () => {
          if (project !== null && target !== null) void studio.deploy.deploy(project.id, target, profile);
        },
      };
    }),
    {
      id: 'add',
      label: 'Add a cluster',
      detail: 'By its kubeconfig, and a registry for images',
      icon: 'plus' as const,
      separated: targets.length > 0,
      onSelect: () => studio.transient.setState({ dialog: { kind: 'add-target' } }),
    },
    {
      id: 'deployed',
      label: 'Show deployed functions',
      icon: 'instances' as const,
      onSelect: () => studio.deploy.open(null),
    },
  ];
  return (
    <div className={styles.split}>
      <button
        type="button"
        disabled={project === null}
        data-tip={
          usual === null
            ? 'Bring the function to a Kubernetes cluster'
            : `Build, push and roll out to ${usual}, and call it once`
        }
        data-shortcut="Ctrl+Alt+D"
        onClick={() => deployUsual(studio)}
      >
        <Icon name="deployments" size={14} />
        <span>{running ? 'Deploying' : 'Deploy'}</span>
      </button>
      <Menu label="Where to deploy" align="right" items={items}>
        <Icon name="down" size={12} />
      </Menu>
    </div>
  );
}

function detailOf(target: Target): string {
  if (target.kind === 'libvirt')
    return target.uris.length === 1 ? 'a libvirt host' : `${target.uris.length} libvirt hosts`;
  return `${target.context ?? 'the current context'}, images to ${target.registry}`;
}
