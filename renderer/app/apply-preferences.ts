import type { Command } from '../bind/command.ts';
import { initialPreferences, type Preferences } from '../state/saved.ts';
import { setKeyNames } from '../ui/key-name.ts';

/** The sizes of `ui/tokens.css` that follow the window's text size. Units: px. */
const sizes = { '--text-xs': 11, '--text-sm': 12, '--text-md': 13, '--row': 24, '--bar': 36 } as const;

/** Gives the window the sizes, and its tips the keys, that a person chose. */
export function applyPreferences({ windowFontSize }: Preferences, commands: readonly Command[]): void {
  const { style } = document.documentElement;
  for (const [name, usual] of Object.entries(sizes)) {
    const size = Math.round((usual * windowFontSize) / initialPreferences.windowFontSize);
    if (size === usual) style.removeProperty(name);
    else style.setProperty(name, `${size}px`);
  }
  const renamed = commands.flatMap(({ usualShortcut, shortcut }) =>
    usualShortcut === undefined ? [] : [[usualShortcut, shortcut ?? ''] as const],
  );
  setKeyNames(new Map(renamed));
}
