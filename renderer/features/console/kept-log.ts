/** The last bytes of a console, for saving to a file. */
export interface KeptLog {
  readonly add: (chunk: Uint8Array) => void;
  readonly clear: () => void;
  /** What is kept, oldest first. */
  readonly chunks: () => readonly Uint8Array[];
  /** All that came since the last clear, kept or not. */
  readonly totalBytes: () => number;
  readonly keptBytes: () => number;
}

/** Makes a log that keeps whole chunks and lets go of the oldest when there are more than `mostBytes`. */
export function createKeptLog(mostBytes: number): KeptLog {
  let kept: Uint8Array[] = [];
  let keptBytes = 0;
  let totalBytes = 0;
  // Dropping from the front one by one would move the whole array each time.
  let first = 0;
  return {
    add: (chunk) => {
      kept.push(chunk);
      keptBytes += chunk.byteLength;
      totalBytes += chunk.byteLength;
      while (keptBytes > mostBytes && first < kept.length - 1) {
        keptBytes -= kept[first]?.byteLength ?? 0;
        first++;
      }
      if (first > 1024) {
        kept = kept.slice(first);
        first = 0;
      }
    },
    clear: () => {
      kept = [];
      keptBytes = 0;
      totalBytes = 0;
      first = 0;
    },
    chunks: () => kept.slice(first),
    totalBytes: () => totalBytes,
    keptBytes: () => keptBytes,
  };
}
