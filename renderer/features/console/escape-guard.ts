import type { IDisposable, IParser } from '@xterm/xterm';

/**
 * A guest's output is not trusted: it may be hostile, or garbage that happens to form a sequence. The guard drops the
 * sequences that reach beyond the picture: those that make the terminal type an answer back into the guest, set titles,
 * the clipboard, links or colours, capture the mouse, hide text, or cost unbounded work.
 */

/** More than any screen has rows or columns; xterm would loop, or allocate, 2³¹ times if asked. */
const mostRepeats = 4096;

interface Sequence {
  readonly prefix?: string;
  readonly intermediates?: string;
  readonly final: string;
}

/** Requests that the terminal would answer as if a person had typed: attributes, status, modes, window, version. */
const answered: readonly Sequence[] = [
  { final: 'c' },
  { prefix: '>', final: 'c' },
  { prefix: '=', final: 'c' },
  { final: 'n' },
  { prefix: '?', final: 'n' },
  { intermediates: '$', final: 'p' },
  { prefix: '?', intermediates: '$', final: 'p' },
  { final: 't' },
  { prefix: '>', final: 'q' },
  { final: 'x' },
];

/** Sequences whose first number is a repeat count. */
const repeated: readonly Sequence[] = [
  ...['@', 'I', 'L', 'M', 'P', 'S', 'T', 'X', 'Z', 'b'].map((final) => ({ final })),
  { intermediates: ' ', final: '@' },
  { intermediates: ' ', final: 'A' },
  { intermediates: "'", final: '}' },
  { intermediates: "'", final: '~' },
];

/** Titles (0–2), colours (4, 10–12, 104, 110–112), links (8), notices (9, 99, 777), clipboard (52), files (1337). */
const ignoredOsc = [0, 1, 2, 4, 8, 9, 10, 11, 12, 52, 99, 104, 110, 111, 112, 777, 1337];

/** Mouse reports (9, 1000–1006, 1015, 1016) block selecting; 1004 types at focus changes; 2026 freezes the picture. */
const refusedModes = new Set([9, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1015, 1016, 2026]);
/** Firmware switches wrapping (7) off and leaves it so; the ends of all later long lines would be out of sight. */
const refusedResets = new Set([...refusedModes, 7]);

/** Installs the guard before a terminal's own handlers; disposing removes it. */
export function guardTerminal(parser: IParser): IDisposable {
  const drop = () => true;
  const count = (params: readonly (number | number[])[]) => {
    const first = params[0];
    return typeof first === 'number' && first > mostRepeats;
  };
  const touches = (modes: ReadonlySet<number>) => (params: readonly (number | number[])[]) =>
    params.some((mode) => typeof mode === 'number' && modes.has(mode));
  const handlers: IDisposable[] = [
    ...answered.map((sequence) => parser.registerCsiHandler(sequence, drop)),
    ...repeated.map((sequence) => parser.registerCsiHandler(sequence, count)),
    ...ignoredOsc.map((code) => parser.registerOscHandler(code, drop)),
    parser.registerCsiHandler({ prefix: '?', final: 'h' }, touches(refusedModes)),
    parser.registerCsiHandler({ prefix: '?', final: 'l' }, touches(refusedResets)),
    // 3 J would erase the scrollback, which a person may still want.
    parser.registerCsiHandler({ final: 'J' }, (params) => params[0] === 3),
    parser.registerDcsHandler({ intermediates: '$', final: 'q' }, drop),
    parser.registerDcsHandler({ intermediates: '+', final: 'q' }, drop),
  ];
  return { dispose: () => handlers.forEach((handler) => void handler.dispose()) };
}
