import type { Command, ListCommands } from '../../bind/command.ts';
import { currentProject } from '../../state/context.ts';

/** Commands for files and their text. */
export const listEditorCommands: ListCommands = (studio) => {
  const { transient, saved } = studio;
  const project = currentProject(studio);
  const active = project === null ? null : (saved.getState().tabs[project.id]?.active ?? null);
  const beside = project === null ? null : (saved.getState().split[project.id] ?? null);
  const files = project === null ? [] : (studio.session.getState().files[project.id]?.value ?? []);
  return [
    {
      id: 'save',
      title: 'Save and build',
      group: 'File',
      shortcut: 'Ctrl+S',
      icon: 'builds',
      disabled: project === null,
      run: () => void studio.saveAndBuild(),
    },
    {
      id: 'format',
      title: 'Format the file',
      group: 'File',
      shortcut: 'Alt+Shift+F',
      icon: 'braces',
      disabled: active === null,
      run: () => transient.setState({ editorAction: 'editor.action.formatDocument' }),
    },
    {
      id: 'find',
      title: 'Find in the file',
      group: 'File',
      disabled: active === null,
      run: () => transient.setState({ editorAction: 'actions.find' }),
    },
    {
      id: 'definition',
      title: 'Go to the definition',
      group: 'File',
      disabled: active === null,
      run: () => transient.setState({ editorAction: 'editor.action.revealDefinition' }),
    },
    {
      id: 'new-file',
      title: 'New file',
      group: 'File',
      icon: 'plus',
      disabled: project === null,
      run: () => transient.setState({ dialog: { kind: 'new-file' } }),
    },
    {
      id: 'split',
      title: beside === null ? 'Show the file in a second editor' : 'Close the second editor',
      group: 'File',
      shortcut: 'Ctrl+\\',
      icon: 'split',
      disabled: project === null || (beside === null && active === null),
      run: () => project !== null && studio.docs.openBeside(project.id, beside === null ? active : null),
    },
    {
      id: 'close-tab',
      title: 'Close the file',
      group: 'File',
      shortcut: 'Alt+W',
      disabled: active === null,
      run: () => project !== null && active !== null && studio.docs.close(project.id, active),
    },
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
  ];
};
