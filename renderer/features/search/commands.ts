import type { Command } from '../../bind/command.ts';
import { currentProject } from '../../state/context.ts';
import type { Studio } from '../../studio.ts';

/** The command that searches in the files of the function. */
export const listSearchCommands = ({
  studio,
  focusRegion,
}: {
  readonly studio: Studio;
  readonly focusRegion: (name: string) => void;
}): readonly Command[] => [
  {
    id: 'search-files',
    title: 'Search in all files',
    group: 'File',
    shortcut: 'Ctrl+Shift+F',
    icon: 'search',
    disabled: currentProject(studio) === null,
    run: () => {
      studio.saved.setState({ area: 'search' });
      focusRegion('side');
    },
  },
];
