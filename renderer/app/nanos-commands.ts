import { runtimeOf } from '../state/config.ts';
import { configPath } from '../state/config-text.ts';
import { currentProject } from '../state/context.ts';
import { docKey } from '../state/session.ts';
import type { Command, CommandContext } from './commands.ts';

/** What chooses a runtime and looks after what it needs. */
export function listNanosCommands({ studio }: CommandContext): readonly Command[] {
  const { session, transient } = studio;
  const project = currentProject(studio);
  const runtime = project === null ? null : runtimeOf(project, session.getState().docs[docKey(project.id, configPath)]);
  const busy = project !== null && transient.getState().tasks[project.id] !== undefined;
  const releases = session.getState().nanos.value?.releases ?? [];
  return [
    ...(['ember', 'nanos'] as const).map(
      (id): Command => ({
        id: `runtime-${id}`,
        title: `Runtime: ${id === 'ember' ? 'Ember' : 'Nanos'}`,
        group: 'Function',
        icon: 'function',
        disabled: project === null || busy || runtime === id,
        run: () => project !== null && void studio.config.chooseRuntime(project.id, id),
      }),
    ),
    {
      id: 'options',
      title: 'Options of the function',
      group: 'Function',
      shortcut: 'Ctrl+,',
      icon: 'sliders',
      disabled: project === null,
      run: () => transient.setState({ center: 'options' }),
    },
    {
      id: 'import',
      title: 'Import a program, an ops configuration or an OCI image',
      group: 'Function',
      shortcut: 'Ctrl+Alt+I',
      icon: 'download',
      run: studio.imports.begin,
    },
    {
      id: 'inspect',
      title: 'Look into the image of the function',
      group: 'Function',
      shortcut: 'Ctrl+I',
      icon: 'images',
      disabled: project === null,
      run: () => void studio.images.inspectBuilt(),
    },
    {
      id: 'inspect-file',
      title: 'Look into an image file',
      group: 'File',
      icon: 'images',
      run: () => transient.setState({ dialog: { kind: 'open-image' } }),
    },
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
}
