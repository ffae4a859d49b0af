import type { ListCommands } from '../../bind/command.ts';
import { currentProject } from '../../state/context.ts';

/** Commands that inspect images. */
export const listImageCommands: ListCommands = (studio) => {
  const project = currentProject(studio);
  return [
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
      run: () => studio.transient.setState({ dialog: { kind: 'open-image' } }),
    },
  ];
};
