/** Tuples in the encoding of TFS's log. */
import { valueType } from './format.ts';
import type { Tuple, TupleValue } from './tuple.ts';

/**
 * Encodes one tuple, piece by piece: `tuple(n)` is followed by n pairs of `symbol` and a value.
 *
 * Tuples, vectors and symbols get numbers in the order of their first use; a repeated symbol is written as
 * its number. The first tuple gets number 1, by which the kernel identifies the root.
 */
export interface TupleEncoder {
  readonly tuple: (pairs: number) => void;
  readonly symbol: (name: string) => void;
  readonly integer: (value: number | bigint) => void;
  readonly string: (value: string) => void;
  readonly value: (value: TupleValue) => void;
  /** The bytes written so far. */
  readonly bytes: () => Uint8Array;
}

/** An encoder with an empty dictionary. */
export function createTupleEncoder(): TupleEncoder {
  const out = createByteSink();
  const symbols = new Map<string, number>();
  let numbered = 0;

  function text(type: number, value: string): void {
    out.header(true, type, Buffer.byteLength(value));
    out.text(value);
  }

  function tuple(pairs: number): void {
    numbered++;
    out.header(true, valueType.tuple, pairs);
  }

  function symbol(name: string): void {
    const known = symbols.get(name);
    if (known !== undefined) {
      out.header(false, valueType.buffer, known);
      return;
    }
    symbols.set(name, ++numbered);
    text(valueType.buffer, name);
  }

  function integer(value: number | bigint): void {
    out.header(true, valueType.integer, value < 0 ? 1 : 0);
    out.varint(value < 0 ? -value : value);
  }

  function value(given: TupleValue): void {
    if (typeof given === 'string') {
      text(valueType.string, given);
    } else if (typeof given === 'bigint') {
      integer(given);
    } else if (isTuple(given)) {
      tuple(given.size);
      for (const [name, item] of given) {
        symbol(name);
        value(item);
      }
    } else {
      numbered++;
      out.header(true, valueType.vector, given.length);
      for (const item of given) value(item);
    }
  }

  return { tuple, symbol, integer, string: (given) => text(valueType.string, given), value, bytes: out.bytes };
}

function isTuple(value: readonly TupleValue[] | Tuple): value is Tuple {
  return value instanceof Map;
}

/** Appended bytes. */
export interface ByteSink {
  readonly byte: (value: number) => void;
  readonly raw: (data: Uint8Array) => void;
  readonly text: (value: string) => void;
  /** Seven bits to a byte, highest first; all but the last byte have the top bit set. */
  readonly varint: (value: number | bigint) => void;
  /** The start of each value: whether it is immediate, its type, and its length or number. */
  readonly header: (immediate: boolean, type: number, length: number) => void;
  readonly length: () => number;
  readonly bytes: () => Buffer;
}

/** The bits of a header's first byte for the length; the rest follows, seven to a byte. */
const firstLengthBits = 3;

export function createByteSink(): ByteSink {
  let buffer = Buffer.allocUnsafe(4096);
  let end = 0;

  function room(bytes: number): void {
    if (end + bytes <= buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(buffer.length * 2, end + bytes));
    buffer.copy(larger, 0, 0, end);
    buffer = larger;
  }

  function byte(value: number): void {
    room(1);
    buffer[end++] = value;
  }

  function varint(value: number | bigint): void {
    if (value < 2 ** 31) {
      small(Number(value));
      return;
    }
    const groups: number[] = [];
    for (let rest = BigInt(value); rest > 0n; rest >>= 7n) groups.push(Number(rest & 0x7fn));
    for (let index = groups.length - 1; index >= 0; index--) byte((groups[index] ?? 0) | (index > 0 ? 0x80 : 0));
  }

  /** As `varint`, for small numbers: most are small, and bigints are slow. */
  function small(value: number): void {
    const words = Math.max(1, Math.ceil((32 - Math.clz32(value)) / 7));
    for (let word = words - 1; word >= 0; word--) byte(((value >>> (7 * word)) & 0x7f) | (word > 0 ? 0x80 : 0));
  }

  function header(immediate: boolean, type: number, length: number): void {
    const first = (immediate ? 0x80 : 0) | (type << 4);
    // The length or the count of data in memory: it fits into 31 bits.
    const bits = 32 - Math.clz32(length);
    const words = Math.max(0, Math.ceil((bits - firstLengthBits) / 7));
    byte(first | (words > 0 ? 1 << firstLengthBits : 0) | (length >>> (7 * words)));
    for (let word = words - 1; word >= 0; word--) byte(((length >>> (7 * word)) & 0x7f) | (word > 0 ? 0x80 : 0));
  }

  function text(value: string): void {
    // A unit of UTF-16 takes at most three bytes.
    room(value.length * 3);
    end += buffer.write(value, end);
  }

  function raw(data: Uint8Array): void {
    room(data.length);
    buffer.set(data, end);
    end += data.length;
  }

  return { byte, raw, text, varint, header, length: () => end, bytes: () => buffer.subarray(0, end) };
}
