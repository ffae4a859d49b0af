import { currentProject } from '../state/context.ts';
import type { Studio } from '../state/studio.ts';
import type { Command } from './commands.ts';

/** The commands that what is open brings: its files, the other functions, the instances. */
export function listOpenThings(studio: Studio): readonly Command[] {
  const { session } = studio;
  const project = currentProject(studio);
  const state = session.getState();
  const files = project === null ? [] : (state.files[project.id]?.value ?? []);
  const alive = (state.instances.value ?? []).filter((entry) => entry.state !== 'stopped' && entry.state !== 'failed');
  return [
    ...files
      .filter((file) => file.kind === 'file')
      .map(
        (file): Command => ({
          id: `open-${file.path}`,
          title: `Open ${file.path}`,
          group: 'File',
          icon: 'file',
          run: () => project !== null && studio.docs.open(project.id, file.path),
        }),
      ),
    ...(state.projects.value ?? [])
      .filter((entry) => entry.id !== project?.id)
      .map(
        (entry): Command => ({
          id: `select-${entry.id}`,
          title: `Switch to ${entry.name}`,
          group: 'Function',
          icon: 'function',
          run: () => void studio.projects.select(entry.id),
        }),
      ),
    ...alive.flatMap((instance): Command[] => [
      {
        id: `console-${instance.id}`,
        title: `Console of ${instance.id}`,
        group: 'Instance',
        icon: 'terminal',
        run: () => studio.instances.openConsole(instance.id),
      },
      {
        id: `call-${instance.id}`,
        title: `Call ${instance.id} with the event`,
        group: 'Instance',
        icon: 'send',
        disabled: instance.state !== 'ready',
        run: () => void studio.runs.invoke(instance.id),
      },
      {
        id: `stop-${instance.id}`,
        title: `Stop ${instance.id}`,
        group: 'Instance',
        icon: 'stop',
        run: () => void studio.instances.stop(instance.id),
      },
    ]),
  ];
}
