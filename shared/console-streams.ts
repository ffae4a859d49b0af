/** The two streams in a console that has one line: stderr is between two markers. */

export type ConsoleStream = 'stdout' | 'stderr';

/**
 * The markers around what a function prints to stderr, where its runtime sets them. A terminal shows red between them. Programs that colour
 * their output write `31` and `39` alone, so their red is not taken for stderr. A function that prints the markers itself
 * deceives only its owner.
 */
export const stderrMarkers = { begin: '\u001b[39;31m', end: '\u001b[31;39m' } as const;

/** Some bytes of one stream. */
export interface StreamPiece {
  readonly stream: ConsoleStream;
  readonly bytes: Uint8Array;
}

/** Tells the streams of a console apart as its bytes arrive, and removes the markers. */
export interface StreamReader {
  /** The pieces as far as they are known: bytes that may begin a marker are kept back. */
  readonly push: (chunk: Uint8Array) => StreamPiece[];
  /** The bytes kept back. */
  readonly end: () => StreamPiece[];
}

const escapeByte = 0x1b;
const bytesOf = (ascii: string) => Uint8Array.from(ascii, (char) => char.charCodeAt(0));
const marks = { stdout: bytesOf(stderrMarkers.begin), stderr: bytesOf(stderrMarkers.end) } as const;

/** A reader at the beginning of a console, or of a part that begins outside stderr. */
export function createStreamReader(): StreamReader {
  let stream: ConsoleStream = 'stdout';
  let held: Uint8Array = new Uint8Array();

  function push(chunk: Uint8Array): StreamPiece[] {
    const rest = held.length === 0 ? chunk : joined(held, chunk);
    const pieces: StreamPiece[] = [];
    const pass = (from: number, to: number) => {
      if (to > from) pieces.push({ stream, bytes: rest.subarray(from, to) });
    };
    let from = 0;
    let at = rest.indexOf(escapeByte);
    while (at >= 0) {
      const matched = matchedAt(rest, at, marks[stream]);
      if (matched === 'part') break;
      const next = matched === 'whole' ? at + marks[stream].length : at + 1;
      if (matched === 'whole') {
        pass(from, at);
        stream = stream === 'stdout' ? 'stderr' : 'stdout';
        from = next;
      }
      at = rest.indexOf(escapeByte, next);
    }
    const to = at < 0 ? rest.length : at;
    pass(from, to);
    // A copy: the chunk belongs to its sender.
    held = rest.slice(to);
    return pieces;
  }

  return {
    push,
    end: () => {
      const pieces = held.length === 0 ? [] : [{ stream, bytes: held }];
      held = new Uint8Array();
      return pieces;
    },
  };
}

/** Text without the markers. */
export const withoutMarkers = (text: string): string =>
  text.replaceAll(stderrMarkers.begin, '').replaceAll(stderrMarkers.end, '');

function matchedAt(bytes: Uint8Array, at: number, mark: Uint8Array): 'whole' | 'part' | 'none' {
  for (let i = 0; i < mark.length; i++) {
    if (at + i === bytes.length) return 'part';
    if (bytes[at + i] !== mark[i]) return 'none';
  }
  return 'whole';
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}
