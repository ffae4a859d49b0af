import type { ConsoleSplitter } from '#core/runtime/console.ts';
import { type ConsoleStream, createStreamReader, type StreamPiece } from '#shared/console-streams.ts';

/** A splitter that gives what a function printed to one of its two streams, without the markers. */
export function createStreamSplitter(wanted: ConsoleStream): ConsoleSplitter {
  const reader = createStreamReader();
  const only = (pieces: readonly StreamPiece[]) =>
    Buffer.concat(pieces.filter(({ stream }) => stream === wanted).map(({ bytes }) => bytes));
  return { push: (chunk) => only(reader.push(chunk)), end: () => only(reader.end()) };
}
