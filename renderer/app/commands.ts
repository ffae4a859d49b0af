import { currentProject } from '../state/context.ts';
import type { Studio } from '../state/studio.ts';
import type { IconName } from '../ui/icon.tsx';
import { listNanosCommands } from './nanos-commands.ts';
import { listOpenThings } from './open-commands.ts';
import type { PanelName } from './panels.ts';
import { listViewCommands } from './view-commands.ts';

/** Something a person can do: in the palette always, on a key where it has one. */
export interface Command {
  readonly id: string;
  readonly title: string;
  readonly group: 'Run' | 'File' | 'Function' | 'Instance' | 'Nanos' | 'View' | 'Help';
  readonly shortcut?: string | undefined;
  readonly icon?: IconName | undefined;
  readonly disabled?: boolean | undefined;
  readonly run: () => void;
}

export interface CommandContext {
  readonly studio: Studio;
  readonly togglePanel: (name: PanelName) => void;
  readonly focusRegion: (name: string) => void;
  readonly nextRegion: (step: 1 | -1) => void;
}

/** Everything that can be done now, in the order the palette lists it. */
export function listCommands(context: CommandContext): readonly Command[] {
  const { studio } = context;
  const { transient, saved, session } = studio;
  const project = currentProject(studio);
  const { startMode, tabs } = saved.getState();
  const task = project === null ? undefined : transient.getState().tasks[project.id];
  const active = project === null ? null : (tabs[project.id]?.active ?? null);
  const none = project === null;
  const shown = none ? undefined : session.getState().shown[project.id];

  const commands: Command[] = [
    {
      id: 'run',
      title: 'Run',
      group: 'Run',
      shortcut: 'Ctrl+Enter',
      icon: 'play',
      disabled: none || task !== undefined,
      run: () => void studio.runs.run(),
    },
    {
      id: 'cancel',
      title: 'Cancel what is under way',
      group: 'Run',
      shortcut: 'Esc',
      disabled: task === undefined,
      run: () => task?.cancel(),
    },
    {
      id: 'mode-cold',
      title: 'Start mode: cold',
      group: 'Run',
      disabled: startMode === 'cold',
      run: () => saved.setState({ startMode: 'cold' }),
    },
    {
      id: 'mode-prestarted',
      title: 'Start mode: prestarted',
      group: 'Run',
      disabled: startMode === 'prestarted',
      run: () => saved.setState({ startMode: 'prestarted' }),
    },
    {
      id: 'no-compare',
      title: 'Draw no run beneath the timeline',
      group: 'Run',
      icon: 'ghost',
      disabled: !shown?.previous,
      run: () => project !== null && void studio.runs.compare(project.id, null),
    },
    {
      id: 'save',
      title: 'Save and build',
      group: 'File',
      shortcut: 'Ctrl+S',
      icon: 'builds',
      disabled: none,
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
      disabled: none,
      run: () => transient.setState({ dialog: { kind: 'new-file' } }),
    },
    {
      id: 'close-tab',
      title: 'Close the file',
      group: 'File',
      shortcut: 'Alt+W',
      disabled: active === null,
      run: () => project !== null && active !== null && studio.docs.close(project.id, active),
    },
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
      id: 'close-function',
      title: 'Close the function',
      group: 'Function',
      disabled: none,
      run: () => project !== null && void studio.projects.close(project.id),
    },
    ...listNanosCommands(context),
    ...listViewCommands(context),
    {
      id: 'doctor',
      title: 'Check the environment',
      group: 'Help',
      icon: 'environment',
      run: () => {
        transient.setState({ center: 'environment' });
        void studio.doctor.run(true);
      },
    },
    {
      id: 'shortcuts',
      title: 'Keyboard shortcuts',
      group: 'Help',
      shortcut: 'F1',
      run: () => transient.setState({ dialog: { kind: 'shortcuts' } }),
    },
    {
      id: 'tips',
      title: 'Show the three things to try',
      group: 'Help',
      disabled: !saved.getState().tipsDismissed,
      run: () => saved.setState({ tipsDismissed: false }),
    },
    {
      id: 'palette',
      title: 'All commands',
      group: 'Help',
      shortcut: 'Ctrl+K',
      icon: 'command',
      run: () => transient.setState({ dialog: { kind: 'palette' } }),
    },
  ];
  return [...commands, ...listOpenThings(studio)];
}
