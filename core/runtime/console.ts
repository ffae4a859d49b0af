/** The reading of a runtime's consoles. */

/** The end of a guest, as its console reports it. Shape: `report` is its own words; `message` one sentence without a point. */
export interface GuestPanic {
  readonly message: string;
  readonly report: string;
  /** True when the program failed and not the kernel under it. */
  readonly byProgram?: boolean | undefined;
}

/** A part of a console: all of it, the program's output, or the output of a kernel's diagnostics. */
export type ConsolePart = 'all' | 'program' | 'trace';

/** Gives one part of a console as its bytes come. */
export interface ConsoleSplitter {
  /** The bytes of the wanted part among those that came, as far as they are classified yet. */
  readonly push: (chunk: Uint8Array) => Uint8Array;
  /** The bytes that were still held back. */
  readonly end: () => Uint8Array;
}

/** The reader of a runtime's consoles. */
export interface RuntimeConsole {
  /** The panic that the serial port reports, or null. */
  readonly readPanic: (consoleText: string) => GuestPanic | null;
  /** A panic with what symbols say of it: text for a person. Null when nothing more can be said. */
  readonly decodePanic?: (consoleText: string, sessionInfo: string | null) => Promise<string | null>;
  /** For runtimes whose kernels print diagnostics among the program's output: a splitter of the two. */
  readonly splitConsole?: (wanted: Exclude<ConsolePart, 'all'>) => ConsoleSplitter;
}
