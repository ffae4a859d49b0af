import type { Command, ListCommands } from '../../bind/command.ts';
import { runtimeOf } from '../../state/config.ts';
import { configPath } from '../../state/config-text.ts';
import { currentProject } from '../../state/context.ts';
import { docKey } from '../../state/session.ts';

/** Commands that choose a runtime and manage the releases of Nanos. */
export const listNanosCommands: ListCommands = (studio) => {
  const { session, transient } = studio;
  const project = currentProject(studio);
  const runtime = project === null ? null : runtimeOf(project, session.getState().docs[docKey(project.id, configPath)]);
  const busy = project !== null && transient.getState().tasks[project.id] !== undefined;
  const releases = session.getState().nanos.value?.releases ?? [];
  return [
    ...session.getState().runtimes.map(
      ({ id, title }): Command => ({
        id: `runtime-${id}`,
        title: `Runtime: ${title}`,
        group: 'Function',
        icon: 'function',
        disabled: project === null || busy || runtime === id,
        run: () => project !== null && void studio.config.chooseRuntime(project.id, id),
      }),
    ),
    {
      id: 'releases',
      title: 'Nanos releases',
      group: 'Nanos',
      icon: 'download',
      run: () => transient.setState({ center: 'releases' }),
    },
    {
      id: 'install-latest',
      title: 'Install the latest Nanos release',
      group: 'Nanos',
      icon: 'download',
      run: () => {
        transient.setState({ center: 'releases' });
        void studio.nanos.install({ kind: 'official', version: 'latest' });
      },
    },
    ...releases
      .filter((release) => !release.inUse)
      .map(
        (release): Command => ({
          id: `use-${release.version}`,
          title: `Use Nanos ${release.version}`,
          group: 'Nanos',
          run: () => void studio.nanos.use(release.version),
        }),
      ),
  ];
};
