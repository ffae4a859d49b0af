/** One attachment to a console. */
export interface ConsoleConnection {
  /** Sends a person's input. */
  readonly write: (bytes: Uint8Array) => void;
  readonly close: () => void;
  /** Resolves when the console ended, rejects when it was lost. */
  readonly ended: Promise<void>;
}

/**
 * A console that can be attached to repeatedly.
 *
 * Shape: `open` delivers the output so far, then new output. A promise that `onChunk` returns is pending until the
 * terminal took the chunk: a source that waits for it never floods the page. Keep one source object per console: another
 * object means another console.
 */
export interface ConsoleSource {
  readonly open: (onChunk: (bytes: Uint8Array) => void | Promise<void>) => ConsoleConnection;
  /** Reads the whole record on disk. Absent where nothing is recorded. */
  readonly readAll?: () => Promise<readonly Uint8Array[]>;
}
