import { currentProject } from '../state/context.ts';
import { areas } from '../state/saved.ts';
import type { Studio } from '../state/studio.ts';
import type { IconName } from '../ui/icon.tsx';
import type { PanelName } from './panels.ts';

/** Something a person can do: in the palette always, on a key where it has one. */
export interface Command {
  readonly id: string;
  readonly title: string;
  readonly group: 'Run' | 'File' | 'Function' | 'Instance' | 'View' | 'Help';
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

export const areaTitles = {
  functions: 'Functions',
  instances: 'Instances',
  builds: 'Builds',
  runs: 'Runs',
  environment: 'Environment',
} as const;

/** Everything that can be done now, in the order the palette lists it. */
export function listCommands({ studio, togglePanel, focusRegion, nextRegion }: CommandContext): readonly Command[] {
  const { transient, saved, session } = studio;
  const project = currentProject(studio);
  const { startMode, theme, tabs } = saved.getState();
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
    ...areas.map(
      (area, index): Command => ({
        id: `area-${area}`,
        title: `Show ${areaTitles[area]}`,
        group: 'View',
        shortcut: `Ctrl+${index + 1}`,
        icon: area === 'functions' ? 'function' : area,
        run: () => {
          saved.setState({ area });
          transient.setState({ center: area === 'environment' ? 'environment' : 'editor' });
          if (area === 'builds') transient.setState({ dockTab: 'build' });
          if (area === 'runs') transient.setState({ dockTab: 'runs' });
          focusRegion('side');
        },
      }),
    ),
    {
      id: 'console',
      title: 'Show the console',
      group: 'View',
      shortcut: 'Ctrl+`',
      icon: 'terminal',
      run: () => showConsole(studio, focusRegion),
    },
    {
      id: 'resources',
      title: 'Show resource graphs',
      group: 'View',
      run: () => {
        transient.setState({ dockTab: 'resources' });
        focusRegion('dock');
      },
    },
    {
      id: 'problems',
      title: 'Show problems',
      group: 'View',
      shortcut: 'Ctrl+Shift+M',
      run: () => {
        transient.setState({ dockTab: 'problems' });
        focusRegion('dock');
      },
    },
    { id: 'event', title: 'Edit the event', group: 'View', shortcut: 'Ctrl+E', run: () => focusRegion('event') },
    {
      id: 'editor',
      title: 'Edit the code',
      group: 'View',
      run: () => {
        transient.setState({ center: 'editor' });
        focusRegion('editor');
      },
    },
    { id: 'next-region', title: 'Next panel', group: 'View', shortcut: 'F6', run: () => nextRegion(1) },
    { id: 'previous-region', title: 'Previous panel', group: 'View', shortcut: 'Shift+F6', run: () => nextRegion(-1) },
    {
      id: 'toggle-side',
      title: 'Show or hide the side list',
      group: 'View',
      shortcut: 'Ctrl+B',
      icon: 'panel',
      run: () => togglePanel('side'),
    },
    {
      id: 'toggle-right',
      title: 'Show or hide event and response',
      group: 'View',
      icon: 'panel',
      run: () => togglePanel('right'),
    },
    {
      id: 'toggle-timeline',
      title: 'Show or hide the timeline',
      group: 'View',
      icon: 'panel',
      run: () => togglePanel('timeline'),
    },
    {
      id: 'toggle-dock',
      title: 'Show or hide the dock',
      group: 'View',
      shortcut: 'Ctrl+J',
      icon: 'panel',
      run: () => togglePanel('dock'),
    },
    {
      id: 'reset-layout',
      title: 'Give the panels their first sizes again',
      group: 'View',
      icon: 'panel',
      run: () => {
        saved.setState({ layouts: {} });
        transient.setState((state) => ({ layoutSerial: state.layoutSerial + 1 }));
      },
    },
    ...(['system', 'light', 'dark'] as const).map(
      (choice): Command => ({
        id: `theme-${choice}`,
        title: `Theme: ${choice === 'system' ? 'as the system' : choice}`,
        group: 'View',
        icon: choice === 'light' ? 'sun' : 'moon',
        disabled: theme === choice,
        run: () => saved.setState({ theme: choice }),
      }),
    ),
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
  return [...commands, ...listed(studio)];
}

/** The commands that what is open brings: its files, the other functions, the instances. */
function listed(studio: Studio): readonly Command[] {
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

function showConsole(studio: Studio, focusRegion: (name: string) => void): void {
  const { consoles } = studio.transient.getState();
  const last = consoles.at(-1);
  if (last !== undefined) studio.transient.setState({ dockTab: last.key as `console:${string}` });
  else {
    const project = currentProject(studio);
    const instance = studio.session.getState().instances.value?.find((entry) => entry.projectId === project?.id);
    if (instance !== undefined) studio.instances.openConsole(instance.id);
  }
  focusRegion('dock');
}

/** The name of the key that was pressed with its modifiers, as shortcuts are written: `Ctrl+Shift+M`. */
export function shortcutOf(event: KeyboardEvent): string {
  const key =
    event.code === 'Backquote'
      ? '`'
      : event.key.length === 1
        ? event.key.toUpperCase()
        : event.key === 'Escape'
          ? 'Esc'
          : event.key;
  const ctrl = event.ctrlKey || event.metaKey;
  return `${ctrl ? 'Ctrl+' : ''}${event.altKey ? 'Alt+' : ''}${event.shiftKey && key !== '`' ? 'Shift+' : ''}${key}`;
}
