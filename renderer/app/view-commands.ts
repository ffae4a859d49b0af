import type { Command } from '../bind/command.ts';
import { currentProject } from '../state/context.ts';
import { areas } from '../state/saved.ts';
import type { Studio } from '../studio.ts';
import type { PanelName } from './panels.ts';

export const areaTitles = {
  functions: 'Functions',
  instances: 'Instances',
  builds: 'Builds',
  runs: 'Runs',
  environment: 'Environment',
  images: 'Images',
  search: 'Search',
  deployments: 'Deployed functions',
  gateway: 'Gateway',
} as const;

/** The parts of the window that view commands need in addition to the studio. */
export interface ViewContext {
  readonly studio: Studio;
  readonly togglePanel: (name: PanelName) => void;
  readonly focusRegion: (name: string) => void;
  readonly nextRegion: (step: 1 | -1) => void;
}

/** The commands that bring a part of the window to the front, or change the window's appearance. */
export function listViewCommands({ studio, togglePanel, focusRegion, nextRegion }: ViewContext): readonly Command[] {
  const { transient, saved } = studio;
  const { theme } = saved.getState();
  return [
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
          if (area === 'images') void studio.images.inspectBuilt();
          if (area === 'deployments') studio.deploy.open();
          if (area === 'gateway') studio.gateway.open();
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
      id: 'trace',
      title: 'Show the kernel’s trace',
      group: 'View',
      icon: 'terminal',
      disabled: currentProject(studio)?.printsDiagnostics !== true,
      run: () => {
        transient.setState({ dockTab: 'trace' });
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
        title: `Theme: ${choice}`,
        group: 'View',
        icon: choice === 'light' ? 'sun' : 'moon',
        disabled: theme === choice,
        run: () => saved.setState({ theme: choice }),
      }),
    ),
  ];
}

function showConsole(studio: Studio, focusRegion: (name: string) => void): void {
  const { consoles } = studio.transient.getState();
  const last = consoles.at(-1);
  if (last !== undefined) studio.transient.setState({ dockTab: last.key as `console:${string}` });
  else {
    const project = currentProject(studio);
    const instance = studio.session.getState().instances.value?.find((entry) => entry.projectId === project?.id);
    if (instance !== undefined) studio.consoles.open(instance.id);
  }
  focusRegion('dock');
}
