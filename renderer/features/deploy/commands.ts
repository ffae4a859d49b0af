import type { Command, ListCommands } from '../../bind/command.ts';
import { currentProject } from '../../state/context.ts';
import type { Studio } from '../../studio.ts';

/** The target that a deploy of a project goes to unless another is chosen; null where a person has to choose. */
export function usualTarget({ deploy }: Studio, projectId: string): string | null {
  const { targets, lastTargets } = deploy.store.getState();
  const names = (targets.value ?? []).map(({ name }) => name);
  const last = lastTargets[projectId];
  if (last !== undefined && names.includes(last)) return last;
  return names.length === 1 ? (names[0] ?? null) : null;
}

/** Deploys the shown project to its usual target; without one, asks for it. */
export function deployUsual(studio: Studio): void {
  const { deploy, transient } = studio;
  const project = currentProject(studio);
  if (project === null) return;
  const target = usualTarget(studio, project.id);
  if (target !== null) void deploy.deploy(project.id, target);
  else if (deploy.store.getState().targets.value?.length !== 0) deploy.open(null);
  else transient.setState({ dialog: { kind: 'add-target' } });
}

/** Commands that deploy, and show the deployed functions. */
export const listDeployCommands: ListCommands = (studio) => {
  const { deploy, transient } = studio;
  const project = currentProject(studio);
  const targets = deploy.store.getState().targets.value ?? [];
  const addTarget = () => transient.setState({ dialog: { kind: 'add-target' } });
  return [
    {
      id: 'deploy',
      title: 'Deploy',
      group: 'Function',
      icon: 'deployments',
      shortcut: 'Ctrl+Alt+D',
      disabled: project === null,
      run: () => deployUsual(studio),
    },
    ...targets.map(
      ({ name }): Command => ({
        id: `deploy-${name}`,
        title: `Deploy to ${name}`,
        group: 'Function',
        icon: 'deployments',
        disabled: project === null,
        run: () => project !== null && void deploy.deploy(project.id, name),
      }),
    ),
    { id: 'add-target', title: 'Add a cluster to deploy to', group: 'Function', icon: 'plus', run: addTarget },
    {
      id: 'deployed',
      title: 'Show deployed functions',
      group: 'Function',
      icon: 'deployments',
      run: () => deploy.open(null),
    },
  ];
};
