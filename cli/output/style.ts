import type { PhaseName } from '#shared/model/timeline.ts';
import type { Io, Output } from '../io.ts';

/** The style of text on an output: its colours, its characters and its width. */
export interface Style {
  readonly color: boolean;
  readonly unicode: boolean;
  /** Units: columns. */
  readonly width: number;
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly phase: (name: PhaseName, text: string) => string;
  /** Text from a function or guest: on a terminal, control characters are shown and not executed. */
  readonly foreign: (text: string) => string;
}

/** The phase colours of the app (renderer/ui/tokens.css), as the nearest of the 256 that every terminal has. */
const phaseColors: Readonly<Record<PhaseName, number>> = {
  prepare: 103,
  vmm: 74,
  firmware: 140,
  kernel: 36,
  runtime: 178,
  function: 208,
  handler: 230,
  respond: 175,
};

const defaultWidth = 80;

/** The style of an output. `NO_COLOR` and `FORCE_COLOR` apply, in that order. */
export function createStyle(io: Io, output: Output = io.stdout): Style {
  const { env } = io;
  const isTerminal = output.isTTY === true;
  const color = !env.NO_COLOR && (Boolean(env.FORCE_COLOR) || (isTerminal && env.TERM !== 'dumb'));
  const paint = (code: string) => (text: string) => (color && text !== '' ? `\x1b[${code}m${text}\x1b[0m` : text);
  return {
    color,
    unicode: /utf-?8/i.test(env.LC_ALL || env.LC_CTYPE || env.LANG || ''),
    // A terminal that does not know its size reports 0.
    width: output.columns || defaultWidth,
    bold: paint('1'),
    dim: paint('2'),
    red: paint('31'),
    green: paint('32'),
    yellow: paint('33'),
    phase: (name, text) => paint(`38;5;${phaseColors[name]}`)(text),
    foreign: isTerminal ? showControls : (text) => text,
  };
}

/** Control characters as their pictures (`␛`), tab and newline as they are. */
function showControls(text: string): string {
  return [...text].map((char) => (isControl(char) ? picture(char) : char)).join('');
}

const isControl = (char: string) => {
  const code = char.charCodeAt(0);
  return (code < 0x20 && char !== '\n' && char !== '\t') || (code >= 0x7f && code < 0xa0);
};

/** Unicode's control pictures start at U+2400; DEL is U+2421; the C1 controls have none. */
function picture(char: string): string {
  const code = char.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  return code === 0x7f ? '\u2421' : '\ufffd';
}
