/** The last bytes of a console, for saving to a file. */
export interface KeptLog {
  /** Adds a chunk. Units: `atMs` is its arrival, since the Unix epoch. */
  readonly add: (chunk: Uint8Array, atMs?: number) => void;
  readonly clear: () => void;
  /** The kept chunks, oldest first, from the start of a line. */
  readonly chunks: () => readonly Uint8Array[];
  /** The arrival time of each of `chunks`. */
  readonly times: () => readonly number[];
  /** The count of all bytes since the last clear, kept or not. */
  readonly totalBytes: () => number;
  readonly keptBytes: () => number;
}

/** Makes a log that keeps whole chunks and drops the oldest when there are more than `mostBytes`. */
export function createKeptLog(mostBytes: number): KeptLog {
  let kept: Uint8Array[] = [];
  let times: number[] = [];
  let keptBytes = 0;
  let totalBytes = 0;
  // Dropping from the front one by one would move the whole array each time.
  let first = 0;
  return {
    add: (chunk, atMs = 0) => {
      kept.push(chunk);
      times.push(atMs);
      keptBytes += chunk.byteLength;
      totalBytes += chunk.byteLength;
      while (keptBytes > mostBytes && first < kept.length - 1) {
        keptBytes -= kept[first]?.byteLength ?? 0;
        first++;
      }
      if (first > 1024) {
        kept = kept.slice(first);
        times = times.slice(first);
        first = 0;
      }
    },
    clear: () => {
      kept = [];
      times = [];
      keptBytes = 0;
      totalBytes = 0;
      first = 0;
    },
    chunks: () => (keptBytes < totalBytes ? fromLineStart(kept.slice(first)) : kept.slice(first)),
    times: () => {
      const all = times.slice(first);
      const count = (keptBytes < totalBytes ? fromLineStart(kept.slice(first)) : kept.slice(first)).length;
      return all.slice(all.length - count);
    },
    totalBytes: () => totalBytes,
    keptBytes: () => keptBytes,
  };
}

const newline = 0x0a;

/** The chunks without the rest of a line whose beginning is no longer kept; all of them when no line ends in them. */
function fromLineStart(chunks: readonly Uint8Array[]): readonly Uint8Array[] {
  for (const [index, chunk] of chunks.entries()) {
    const end = chunk.indexOf(newline);
    if (end >= 0) return [chunk.subarray(end + 1), ...chunks.slice(index + 1)];
  }
  return chunks;
}

/** The kept output as text, without the sequences that colour it or move the cursor. */
export function plainText(log: KeptLog): string {
  const decoder = new TextDecoder();
  const text =
    log
      .chunks()
      .map((chunk) => decoder.decode(chunk, { stream: true }))
      .join('') + decoder.decode();
  return text.replace(escapeSequence, '').replace(/\r\n?/g, '\n').trimEnd();
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a terminal's sequences are made of.
const escapeSequence = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\^_])/g;
