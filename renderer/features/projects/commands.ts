import type { Command, ListCommands } from '../../bind/command.ts';
import { currentProject } from '../../state/context.ts';

/** Commands that create, open, close and choose functions. */
export const listProjectCommands: ListCommands = (studio) => {
  const project = currentProject(studio);
  const { transient, session } = studio;
  return [
    {
      id: 'new-function',
      title: 'New function',
      group: 'Function',
      shortcut: 'Ctrl+Alt+N',
      icon: 'plus',
      run: () => transient.setState({ dialog: { kind: 'new-function' } }),
    },
    {
      id: 'open-folder',
      title: 'Open folder',
      group: 'Function',
      shortcut: 'Ctrl+O',
      icon: 'folder',
      run: () => transient.setState({ dialog: { kind: 'open-folder' } }),
    },
    {
      id: 'trust',
      title: 'What the function asks for, and whether it is trusted',
      group: 'Function',
      icon: 'lock',
      disabled: project === null,
      run: () => project !== null && transient.setState({ dialog: { kind: 'trust', projectId: project.id } }),
    },
    {
      id: 'close-function',
      title: 'Close the function',
      group: 'Function',
      disabled: project === null,
      run: () => project !== null && void studio.projects.close(project.id),
    },
    ...(session.getState().projects.value ?? [])
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
  ];
};
