import { FitAddon } from '@xterm/addon-fit';
import { SearchAddon } from '@xterm/addon-search';
import { Unicode11Addon } from '@xterm/addon-unicode11';
import { type ITheme, Terminal } from '@xterm/xterm';
import { type Tokens, withAlpha } from '../../ui/instrument-theme.ts';
import { guardTerminal } from './escape-guard.ts';

/** The scrollback: a day's output of boots, and still searched within a frame. */
export const scrollbackLines = 10_000;
/** Matches beyond this are not worth counting one by one, and each costs a decoration. */
export const countedMatches = 1000;

/** A terminal with its add-ons, guarded against hostile output. */
export interface GuardedTerminal {
  readonly terminal: Terminal;
  readonly fit: FitAddon;
  readonly search: SearchAddon;
}

/** Makes the terminal; `terminal.dispose()` ends its add-ons too. */
export function makeTerminal(tokens: Tokens): GuardedTerminal {
  const terminal = new Terminal({
    // Unicode versions and decorations are behind this flag in xterm 6.
    allowProposedApi: true,
    scrollback: scrollbackLines,
    // A serial line often carries bare line feeds.
    convertEol: true,
    fontFamily: tokens.get('--font-mono'),
    fontSize: 12,
    lineHeight: 1.2,
    cursorStyle: 'bar',
    cursorInactiveStyle: 'outline',
    minimumContrastRatio: 4.5,
    theme: terminalTheme(tokens),
    // The guard drops links; if one came through, nothing would open.
    linkHandler: { activate: () => undefined },
    windowOptions: {},
    logLevel: 'off',
  });
  const fit = new FitAddon();
  const search = new SearchAddon({ highlightLimit: countedMatches });
  terminal.loadAddon(fit);
  terminal.loadAddon(search);
  terminal.loadAddon(new Unicode11Addon());
  terminal.unicode.activeVersion = '11';
  guardTerminal(terminal.parser);
  return { terminal, fit, search };
}

/** The sixteen colours of a terminal, drawn from the design tokens. */
export function terminalTheme(tokens: Tokens): ITheme {
  const { get } = tokens;
  const dark = tokens.theme === 'dark';
  return {
    background: get('--bg-inset'),
    foreground: get('--fg'),
    cursor: get('--accent'),
    cursorAccent: get('--bg-inset'),
    selectionBackground: withAlpha(get('--accent'), 0.35),
    black: dark ? get('--bg-hover') : get('--fg'),
    red: get('--danger'),
    green: get('--ok'),
    yellow: get('--warning'),
    blue: get('--accent'),
    magenta: get('--phase-respond'),
    cyan: get('--phase-vmm'),
    white: dark ? get('--fg') : get('--fg-muted'),
    brightBlack: get('--fg-faint'),
    brightRed: get('--danger'),
    brightGreen: get('--phase-kernel'),
    brightYellow: get('--phase-runtime'),
    brightBlue: get('--focus'),
    brightMagenta: get('--phase-firmware'),
    brightCyan: get('--phase-vmm'),
    brightWhite: get('--fg'),
  };
}

/** The colours of search matches. */
export const matchDecorations = (tokens: Tokens) => ({
  matchBackground: tokens.get('--bg-selected'),
  matchBorder: tokens.get('--accent'),
  matchOverviewRuler: tokens.get('--accent'),
  activeMatchBackground: tokens.get('--warning'),
  activeMatchColorOverviewRuler: tokens.get('--warning'),
});
