/**
 * The last bytes of an endless stream, addressed by their place in the whole stream.
 *
 * Shape: contains the bytes from `start` to `end`; `end` counts everything ever written.
 */
export interface ByteRing {
  readonly start: number;
  readonly end: number;
  readonly append: (chunk: Uint8Array) => void;
  /** A copy of at most `maxBytes` bytes from `offset` on; empty at the end. `offset` must not lie before `start`. */
  readonly read: (offset: number, maxBytes: number) => Uint8Array;
}

const firstBytes = 16 * 1024;

/** An empty ring; it takes memory as it fills, up to `capacityBytes`. */
export function createByteRing(capacityBytes: number): ByteRing {
  let buffer = new Uint8Array(Math.min(firstBytes, capacityBytes));
  let end = 0;

  const start = () => Math.max(0, end - buffer.length);

  function grow(neededBytes: number): void {
    let size = buffer.length;
    while (size < neededBytes && size < capacityBytes) size *= 2;
    const larger = new Uint8Array(Math.min(size, capacityBytes));
    // Before it is at its capacity the ring has never wrapped.
    larger.set(buffer.subarray(0, end));
    buffer = larger;
  }

  return {
    get start() {
      return start();
    },
    get end() {
      return end;
    },
    append(chunk) {
      if (buffer.length < capacityBytes && end + chunk.length > buffer.length) grow(end + chunk.length);
      const kept = chunk.length > buffer.length ? chunk.subarray(chunk.length - buffer.length) : chunk;
      const at = (end + chunk.length - kept.length) % buffer.length;
      const first = Math.min(kept.length, buffer.length - at);
      buffer.set(kept.subarray(0, first), at);
      buffer.set(kept.subarray(first), 0);
      end += chunk.length;
    },
    read(offset, maxBytes) {
      if (offset < start()) throw new RangeError(`byte ${offset} has left the ring`);
      const length = Math.min(maxBytes, end - offset);
      const out = new Uint8Array(Math.max(0, length));
      if (length <= 0) return out;
      const at = offset % buffer.length;
      const first = Math.min(length, buffer.length - at);
      out.set(buffer.subarray(at, at + first), 0);
      out.set(buffer.subarray(0, length - first), first);
      return out;
    },
  };
}
