/** A pod's log with timestamps, from which the bytes of the guest are taken, each once. */

/** Reads a log that may be opened again after its connection was lost. */
export interface TimedLogReader {
  /** The new bytes of a chunk, without the timestamps. */
  readonly push: (chunk: Uint8Array) => Uint8Array;
  /** Begins a new answer of the log. Shape: the time from which it is to be asked for; undefined for its beginning. */
  readonly reopen: () => string | undefined;
}

/** The lines of one time, which are counted together. */
interface Lines {
  readonly timeNs: bigint;
  readonly time: string;
  deliveredBytes: number;
}

const newline = 0x0a;
const space = 0x20;
/** Longer than any timestamp. Units: bytes. */
const maxStampBytes = 40;
const stamp = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;

/** A reader at the beginning of a log. */
export function createTimedLogReader(): TimedLogReader {
  /** The newest lines that were delivered, at least in part. */
  let last: Lines | null = null;
  /** What was delivered before the log was opened again. */
  let before: { readonly timeNs: bigint; leftBytes: number } | null = null;
  /** The beginning of a line whose timestamp is not whole yet. */
  let head = Buffer.alloc(0);
  let isInLine = false;
  let lineNs: bigint | null = null;

  /** True once the timestamp of `head` is known, or that there is none. The rest of `head` is then its text. */
  function beginLine(): boolean {
    const end = head.indexOf(space);
    if (end < 0 && head.length < maxStampBytes && !head.includes(newline)) return false;
    isInLine = true;
    const time = head.subarray(0, Math.max(0, end)).toString('latin1');
    lineNs = toNs(time);
    // Words of the kubelet itself have no timestamp.
    if (lineNs === null) return true;
    head = head.subarray(end + 1);
    if (last === null || lineNs > last.timeNs) last = { timeNs: lineNs, time, deliveredBytes: 0 };
    return true;
  }

  /** The part of a piece of the present line that was not delivered before. */
  function takeFresh(piece: Buffer): Buffer {
    if (lineNs === null) return piece;
    if (before !== null && lineNs < before.timeNs) return piece.subarray(piece.length);
    let fresh = piece;
    if (before !== null && lineNs === before.timeNs) {
      fresh = piece.subarray(Math.min(piece.length, before.leftBytes));
      before.leftBytes -= piece.length - fresh.length;
    }
    if (last !== null && lineNs === last.timeNs) last.deliveredBytes += fresh.length;
    return fresh;
  }

  function push(chunk: Uint8Array): Uint8Array {
    const taken: Uint8Array[] = [];
    let rest = Buffer.from(chunk);
    while (rest.length > 0 || (isInLine && head.length > 0)) {
      if (!isInLine) {
        head = Buffer.concat([head, rest]);
        rest = Buffer.alloc(0);
        if (!beginLine()) break;
      }
      if (head.length > 0) {
        rest = Buffer.concat([head, rest]);
        head = Buffer.alloc(0);
      }
      const end = rest.indexOf(newline);
      const piece = rest.subarray(0, end < 0 ? rest.length : end + 1);
      taken.push(takeFresh(piece));
      rest = rest.subarray(piece.length);
      if (end >= 0) isInLine = false;
    }
    return Buffer.concat(taken);
  }

  return {
    push,
    reopen: () => {
      head = Buffer.alloc(0);
      isInLine = false;
      before = last === null ? null : { timeNs: last.timeNs, leftBytes: last.deliveredBytes };
      return last?.time;
    },
  };
}

function toNs(time: string): bigint | null {
  const [, seconds, fraction = '', zone] = stamp.exec(time) ?? [];
  if (seconds === undefined) return null;
  return BigInt(Date.parse(`${seconds}${zone}`)) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}
