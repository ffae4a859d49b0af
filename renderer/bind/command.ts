import type { Studio } from '../studio.ts';
import type { IconName } from '../ui/icon.tsx';

/** An action that a person can take: always in the palette, and on a key where it has one. */
export interface Command {
  readonly id: string;
  readonly title: string;
  readonly group: 'Run' | 'File' | 'Function' | 'Instance' | 'Kernels' | 'View' | 'Help';
  readonly shortcut?: string | undefined;
  /** The default key; present only where a person chose another key. */
  readonly usualShortcut?: string | undefined;
  readonly icon?: IconName | undefined;
  readonly disabled?: boolean | undefined;
  readonly run: () => void;
}

/** Lists the commands of one feature with their present availability. */
export type ListCommands = (studio: Studio) => readonly Command[];
