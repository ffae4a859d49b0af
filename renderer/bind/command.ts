import type { Studio } from '../studio.ts';
import type { IconName } from '../ui/icon.tsx';

/** Something a person can do: always in the palette, and on a key where it has one. */
export interface Command {
  readonly id: string;
  readonly title: string;
  readonly group: 'Run' | 'File' | 'Function' | 'Instance' | 'Kernels' | 'View' | 'Help';
  readonly shortcut?: string | undefined;
  /** The key it has unless a person chooses another; only where they did. */
  readonly usualShortcut?: string | undefined;
  readonly icon?: IconName | undefined;
  readonly disabled?: boolean | undefined;
  readonly run: () => void;
}

/** Lists the commands of one feature, as they can be done now. */
export type ListCommands = (studio: Studio) => readonly Command[];
