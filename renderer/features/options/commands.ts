import type { ListCommands } from '../../bind/command.ts';
import { currentProject } from '../../state/context.ts';

/** Commands for a function's configuration. */
export const listOptionCommands: ListCommands = (studio) => {
  const project = currentProject(studio);
  return [
    {
      id: 'options',
      title: 'Options of the function',
      group: 'Function',
      shortcut: 'Ctrl+,',
      icon: 'sliders',
      disabled: project === null,
      run: () => studio.transient.setState({ center: 'options' }),
    },
  ];
};
