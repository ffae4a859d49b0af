/** The reading of a runtime's consoles. */
import type { ConsoleStream } from '#shared/console-streams.ts';

/**
 * The end of a guest, as its console reports it. Shape: `report` is its own text; `message` one sentence without a full
 * stop.
 */
export interface GuestPanic {
  readonly message: string;
  readonly report: string;
  /** True when the program failed and not the kernel under it. */
  readonly byProgram?: boolean | undefined;
}

/**
 * A part of a console: all of it, the program's output, one of the program's two streams, or the output of a kernel's
 * diagnostics.
 */
export type ConsolePart = 'all' | 'program' | 'trace' | ConsoleStream;

/** Extracts one part of a console as its bytes arrive. */
export interface ConsoleSplitter {
  /** The bytes of the wanted part among those that arrived, as far as they are classified yet. */
  readonly push: (chunk: Uint8Array) => Uint8Array;
  /** The bytes that are not yet classified. */
  readonly end: () => Uint8Array;
}

/** The reader of a runtime's consoles. */
export interface RuntimeConsole {
  /** The panic that the serial port reports, or null. */
  readonly readPanic: (consoleText: string) => GuestPanic | null;
  /** The report of a crash, decoded by symbols: text for a person. Null when there is none, or symbols add nothing. */
  readonly decodePanic?: (consoleText: string, sessionInfo: string | null) => Promise<string | null>;
  /** A splitter, for the parts that this runtime's consoles can be divided into; null for others. */
  readonly splitConsole?: (wanted: Exclude<ConsolePart, 'all'>) => ConsoleSplitter | null;
}
