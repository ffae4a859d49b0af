/**
 * Values in the log's encoding. A tuple that is written again adds to its earlier content; a dictionary numbers every
 * tuple, vector and symbol in the order of their first appearance.
 *
 * Source: `decode_value` in `src/runtime/tuple.c` of nanovms/nanos at b9c3671d; this decoder treats values that
 * no encoder writes in the same way, unless Nanos stops at them.
 */
import { oldVersion, valueType } from './format.ts';
import type { Cursor } from './read-cursor.ts';
import type { Tuple, TupleValue } from './tuple.ts';

type MutableTuple = Map<string, TupleValue>;
type MutableVector = TupleValue[];

/** The values read so far. */
export interface Decoder {
  /** Reads one record, a tuple, to its last byte. Shape: `version` selects the headers' encoding. Errors: `damaged`. */
  readonly decode: (cursor: Cursor, version: number) => void;
  /** The first tuple: the root of all others. */
  readonly root: () => Tuple | undefined;
  /** The place on the disk where a tuple was first written. */
  readonly placeOf: (tuple: Tuple) => number | undefined;
}

/** Half a million files: a file has three tuples and seven values. That many empty tuples take some hundred MiB. */
const maxTuples = 2_000_000;
const maxValues = 10_000_000;
/** Two for each directory on the way down, and paths have 4095 bytes. */
const maxDepth = 8_192;

/** A tuple or vector with values still to read. */
interface Frame {
  readonly target: MutableTuple | MutableVector;
  left: number;
  /** The name for the next value. */
  key: string | number;
}

/** A decoder for one log. */
export function createDecoder(): Decoder {
  const dictionary: (string | MutableTuple | MutableVector)[] = [];
  const places: number[] = [];
  let tuples = 0;
  let values = 0;

  function record(cursor: Cursor, thing: string | MutableTuple | MutableVector, at: number): void {
    if (typeof thing !== 'string' && ++tuples > maxTuples) throw cursor.invalid(`more than ${maxTuples} tuples`, at);
    dictionary.push(thing);
    places.push(cursor.placeOf(at));
  }

  function recall(cursor: Cursor, index: number, at: number): string | MutableTuple | MutableVector {
    const thing = dictionary[index - 1];
    if (thing === undefined) throw cursor.invalid(`something is referred to (${index}) that was not there yet`, at);
    return thing;
  }

  function recallText(cursor: Cursor, index: number, at: number): string {
    const thing = recall(cursor, index, at);
    if (typeof thing !== 'string') throw cursor.invalid('a name refers to what is none', at);
    return thing;
  }

  function readSymbol(cursor: Cursor, isOld: boolean): string {
    const at = cursor.at;
    const header = readHeader(cursor, isOld);
    if (header.type !== valueType.buffer) throw cursor.invalid(`a name of type ${header.type}`, at);
    if (!header.immediate) return recallText(cursor, header.length, at);
    const symbol = cursor.text(header.length);
    record(cursor, symbol, at);
    return symbol;
  }

  /** Begins a tuple or vector: a new one, or an addition to an earlier one. */
  function open(cursor: Cursor, header: Header, at: number): Frame {
    const isTuple = header.type === valueType.tuple;
    let target: MutableTuple | MutableVector;
    if (header.immediate) {
      target = isTuple ? new Map() : [];
      record(cursor, target, at);
    } else {
      const thing = recall(cursor, cursor.varint(), at);
      if (typeof thing === 'string' || Array.isArray(thing) === isTuple) {
        throw cursor.invalid(`a ${isTuple ? 'tuple' : 'vector'} refers to what is none`, at);
      }
      target = thing;
    }
    // A value has at least one byte, and in a tuple its name has another one.
    if (header.length * (isTuple ? 2 : 1) > cursor.left) {
      throw cursor.invalid(`${header.length} values are announced where ${cursor.left} bytes are left`, at);
    }
    return { target, left: header.length, key: isTuple ? '' : -1 };
  }

  /** A value that is not a tuple or vector. Shape: null removes the earlier value. */
  function readScalar(cursor: Cursor, { type, immediate, length }: Header, at: number): string | bigint | null {
    if (type === valueType.integer) {
      if (!immediate) throw cursor.invalid('an integer that refers to another', at);
      const magnitude = cursor.wideVarint();
      return length > 0 ? -magnitude : magnitude;
    }
    if (type !== valueType.buffer && type !== valueType.string) throw cursor.invalid(`a value of type ${type}`, at);
    if (type === valueType.buffer && length === 0) return null;
    if (!immediate) return recallText(cursor, length, at);
    const text = cursor.text(length);
    // One zero byte is Nanos' mark for an entry without a value.
    return type === valueType.buffer && text === '\0' ? '' : text;
  }

  function decode(cursor: Cursor, version: number): void {
    const isOld = version === oldVersion;
    const startAt = cursor.at;
    const first = readHeader(cursor, isOld);
    if (first.type !== valueType.tuple) throw cursor.invalid('a record that is not a tuple', startAt);
    // An explicit stack: the image determines the depth of nested values.
    const stack = [open(cursor, first, startAt)];
    for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
      if (frame.left === 0) {
        stack.pop();
        const outer = stack.at(-1);
        if (outer !== undefined) assign(outer, frame.target);
        continue;
      }
      frame.left--;
      if (++values > maxValues) throw cursor.invalid(`more than ${maxValues} values`);
      frame.key = typeof frame.key === 'number' ? frame.key + 1 : readSymbol(cursor, isOld);
      const at = cursor.at;
      const header = readHeader(cursor, isOld);
      if (header.type === valueType.tuple || header.type === valueType.vector) {
        if (stack.length === maxDepth) throw cursor.invalid(`tuples in tuples, more than ${maxDepth} deep`, at);
        stack.push(open(cursor, header, at));
      } else {
        assign(frame, readScalar(cursor, header, at));
      }
    }
    if (cursor.left > 0) throw cursor.invalid('a record goes on after its end');
  }

  return {
    decode,
    root: () => {
      const root = dictionary[0];
      return root instanceof Map ? root : undefined;
    },
    // Needed only for errors.
    placeOf: (tuple) => places[dictionary.indexOf(tuple as MutableTuple)],
  };
}

function assign({ target, key }: Frame, value: TupleValue | null): void {
  if (Array.isArray(target)) target[key as number] = value ?? '';
  else if (value === null) target.delete(key as string);
  else target.set(key as string, value);
}

/** Shape: `length` is a count, a length or a reference, depending on `type` and `immediate`. */
interface Header {
  readonly immediate: boolean;
  readonly type: number;
  readonly length: number;
}

/** One byte: immediate or reference, the type (one bit in older ones), and whether a varint continues the length. */
function readHeader(cursor: Cursor, isOld: boolean): Header {
  const byte = cursor.byte();
  const lengthBits = isOld ? 5 : 3;
  const head = byte & (2 ** lengthBits - 1);
  const goesOn = (byte & (2 ** lengthBits)) !== 0;
  return {
    immediate: byte >= 0x80,
    type: isOld ? (byte >> 6) & 1 : (byte >> 4) & 7,
    length: goesOn ? cursor.varint(head) : head,
  };
}
