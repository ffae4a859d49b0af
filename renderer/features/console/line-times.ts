/** Puts the time before each line of output. */
export interface LineTimes {
  /** The bytes with times, as they go to the terminal. Units: ms since the Unix epoch. */
  readonly push: (bytes: Uint8Array, atMs: number) => Uint8Array;
}

const newline = 0x0a;
const encoder = new TextEncoder();

/** Starts at the beginning of a line. A time is written faint, and leaves the colours of the output as they are. */
export function createLineTimes(): LineTimes {
  let atStart = true;
  return {
    push: (bytes, atMs) => {
      const parts: Uint8Array[] = [];
      const stamp = encoder.encode(`\u001b[2m${formatTime(atMs)}\u001b[22m `);
      let from = 0;
      while (from < bytes.length) {
        if (atStart) parts.push(stamp);
        const end = bytes.indexOf(newline, from);
        const to = end < 0 ? bytes.length : end + 1;
        parts.push(bytes.subarray(from, to));
        atStart = end >= 0;
        from = to;
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
