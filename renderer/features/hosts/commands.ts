import type { ListCommands } from '../../bind/command.ts';
import { currentProject } from '../../state/context.ts';
import { chooseHost, shownHost } from './choose-host.ts';

/** A command for each host that the function can be run on, where there are several. */
export const listHostCommands: ListCommands = (studio) => {
  const project = currentProject(studio);
  const { hosts } = studio.session.getState();
  if (project === null || hosts.length < 2) return [];
  const shown = shownHost(hosts, studio.saved.getState().hosts[project.id]);
  return hosts.map((host) => ({
    id: `host-${host.name}`,
    title: `Run on host: ${host.name}`,
    group: 'Run' as const,
    disabled: host === shown,
    run: () => chooseHost(studio, project.id, host.name),
  }));
};
