import { createStreamReader, stderrMarkers } from '#shared/console-streams.ts';

/** Puts before each line of output what a person needs to know of it. */
export interface LineStarts {
  /** The bytes as they go to the terminal. Units: ms since the Unix epoch. */
  readonly push: (bytes: Uint8Array, atMs: number) => Uint8Array;
}

const newline = 0x0a;
const encoder = new TextEncoder();
/** Colour alone says nothing to a screen reader, or to a person who cannot see it. */
const stderrWord = 'stderr ';

/**
 * Starts at the beginning of a line. A line on stderr gets that word, and is red; with `hasTimes`, each line gets its
 * time, faint. Other colours of the output stay as they are.
 */
export function createLineStarts({ hasTimes }: { readonly hasTimes: boolean }): LineStarts {
  const reader = createStreamReader();
  let atStart = true;
  let wasError = false;
  return {
    push: (bytes, atMs) => {
      const parts: Uint8Array[] = [];
      const time = hasTimes ? `\u001b[2m${formatTime(atMs)}\u001b[22m ` : '';
      for (const { stream, bytes: piece } of reader.push(bytes)) {
        const isError = stream === 'stderr';
        if (isError !== wasError) parts.push(encoder.encode(isError ? stderrMarkers.begin : stderrMarkers.end));
        wasError = isError;
        const start = encoder.encode(time + (isError ? stderrWord : ''));
        for (let from = 0; from < piece.length; ) {
          if (atStart) parts.push(start);
          const end = piece.indexOf(newline, from);
          const to = end < 0 ? piece.length : end + 1;
          parts.push(piece.subarray(from, to));
          atStart = end >= 0;
          from = to;
        }
      }
      return concat(parts);
    },
  };
}

/** `14:03:07.250`, in the time of this machine. */
export function formatTime(atMs: number): string {
  const date = new Date(atMs);
  const two = (part: number) => String(part).padStart(2, '0');
  const ms = String(date.getMilliseconds()).padStart(3, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${ms}`;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
