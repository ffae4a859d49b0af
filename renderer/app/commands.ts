import type { Command } from '../bind/command.ts';
import { listDeployCommands } from '../features/deploy/commands.ts';
import { listDoctorCommands } from '../features/doctor/commands.ts';
import { listEditorCommands } from '../features/editor/commands.ts';
import { listGatewayCommands } from '../features/gateway/commands.ts';
import { listHostCommands } from '../features/hosts/commands.ts';
import { listImageCommands } from '../features/images/commands.ts';
import { listImportCommands } from '../features/imports/commands.ts';
import { listInstanceCommands } from '../features/instances/commands.ts';
import { listKernelCommands } from '../features/kernels/commands.ts';
import { listOptionCommands } from '../features/options/commands.ts';
import { listProjectCommands } from '../features/projects/commands.ts';
import { listRunCommands } from '../features/runs/commands.ts';
import { listSearchCommands } from '../features/search/commands.ts';
import { listSettingsCommands } from '../features/settings/commands.ts';
import type { Studio } from '../studio.ts';
import { listViewCommands, type ViewContext } from './view-commands.ts';

/** The commands that are available now, in the order of the palette. */
export function listCommands(context: ViewContext): readonly Command[] {
  const { studio } = context;
  const { keys } = studio.saved.getState().preferences;
  return listUsual(context).map((command) => {
    const chosen = keys[command.id];
    return chosen === undefined
      ? command
      : { ...command, shortcut: chosen === '' ? undefined : chosen, usualShortcut: command.shortcut };
  });
}

/** All commands, with the keys they have unless a person chose others. */
function listUsual(context: ViewContext): readonly Command[] {
  const { studio } = context;
  return [
    ...listRunCommands(studio),
    ...listHostCommands(studio),
    ...listEditorCommands(studio),
    ...listProjectCommands(studio),
    ...listSearchCommands(context),
    ...listImportCommands(studio),
    ...listOptionCommands(studio),
    ...listImageCommands(studio),
    ...listKernelCommands(studio),
    ...listDeployCommands(studio),
    ...listGatewayCommands(studio),
    ...listViewCommands(context),
    ...listSettingsCommands(studio),
    ...listDoctorCommands(studio),
    ...listHelpCommands(studio),
    ...listInstanceCommands(studio),
  ];
}

function listHelpCommands({ transient, saved }: Studio): readonly Command[] {
  return [
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
}
