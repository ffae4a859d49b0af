import type { ListCommands } from '../../bind/command.ts';

/** The command that shows the settings. */
export const listSettingsCommands: ListCommands = ({ transient }) => [
  {
    id: 'settings',
    title: 'Settings',
    group: 'View',
    shortcut: 'Ctrl+Alt+S',
    icon: 'sliders',
    run: () => transient.setState({ center: 'settings' }),
  },
];
