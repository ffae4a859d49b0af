/** One attachment to a console. */
export interface ConsoleConnection {
  /** Sends what a person typed. */
  readonly write: (bytes: Uint8Array) => void;
  readonly close: () => void;
  /** Resolves when the console ended, rejects when it was lost. */
  readonly ended: Promise<void>;
}

/**
 * A console that can be attached to, again and again.
 *
 * Shape: `open` delivers what was written so far and then what comes. A promise that `onChunk` returns is open until the
 * terminal took the chunk: a source that waits for it never floods the page. Keep one source object per console: another
 * object means another console.
 */
export interface ConsoleSource {
  readonly open: (onChunk: (bytes: Uint8Array) => void | Promise<void>) => ConsoleConnection;
  /** Reads all that is on disk of it. Absent where nothing is recorded. */
  readonly readAll?: () => Promise<readonly Uint8Array[]>;
}
