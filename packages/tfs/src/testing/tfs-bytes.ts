/** File systems byte by byte, including invalid ones: for tests of the reader. */
import { magic, record, valueType } from '../format.ts';

/** A number in the encoding of logs. */
export function varint(value: number | bigint): number[] {
  let rest = BigInt(value) >> 7n;
  const groups = [Number(BigInt(value) & 0x7fn)];
  for (; rest > 0n; rest >>= 7n) groups.unshift(0x80 | Number(rest & 0x7fn));
  return groups;
}

/** A value's header. Shape: `version` 4 has one bit for the type and five for the length. */
export function header(immediate: boolean, type: number, length: number, version = 5): number[] {
  const bits = version === 4 ? 5 : 3;
  const needed = length.toString(2).length;
  const words = needed > bits ? Math.ceil((needed - bits) / 7) : 0;
  const high = words === 0 ? length : Math.floor(length / 2 ** (7 * words));
  const first = (immediate ? 0x80 : 0) | (type << (bits + 1)) | (words > 0 ? 2 ** bits : 0) | high;
  const rest = Array.from({ length: words }, (_, word) => {
    const group = Math.floor(length / 2 ** (7 * (words - 1 - word))) % 128;
    return group | (word < words - 1 ? 0x80 : 0);
  });
  return [first, ...rest];
}

/** A value to write: an object is a tuple, `ref` an earlier tuple; `raw` are unchanged bytes. */
export type Written =
  | string
  | bigint
  | null
  | readonly Written[]
  | { readonly raw: readonly number[] }
  | { readonly ref: number; readonly set: { readonly [name: string]: Written } }
  | { readonly [name: string]: Written };

const text = (value: string) => [...Buffer.from(value)];

/** A symbol, written out each time. */
export const symbol = (name: string, version = 5): number[] => [
  ...header(true, valueType.buffer, Buffer.byteLength(name), version),
  ...text(name),
];

/** The bytes of a value. Shape: names are written out each time, which the dictionary counts. */
export function encode(value: Written, version = 5): number[] {
  if (value === null) return header(true, valueType.buffer, 0, version);
  if (typeof value === 'string') {
    const type = version === 4 ? valueType.buffer : valueType.string;
    return [...header(true, type, Buffer.byteLength(value), version), ...text(value)];
  }
  if (typeof value === 'bigint') {
    const negative = value < 0n;
    return [...header(true, valueType.integer, negative ? 1 : 0), ...varint(negative ? -value : value)];
  }
  if (Array.isArray(value)) {
    return [...header(true, valueType.vector, value.length), ...value.flatMap((item: Written) => encode(item))];
  }
  if ('raw' in value) return [...(value.raw as readonly number[])];
  const isRef = typeof (value as { ref?: unknown }).ref === 'number';
  const entries = Object.entries((isRef ? (value as { set: object }).set : value) as Record<string, Written>);
  return [
    ...header(!isRef, valueType.tuple, entries.length, version),
    ...(isRef ? varint((value as { ref: number }).ref) : []),
    ...entries.flatMap(([name, inner]) => [...symbol(name, version), ...encode(inner, version)]),
  ];
}

/** A record that is complete in its piece of the log. */
export const whole = (bytes: readonly number[]): number[] => [
  record.tuple,
  ...varint(bytes.length),
  ...varint(bytes.length),
  ...bytes,
];

export interface TestVolume {
  readonly version?: number;
  readonly label?: string;
  /** The content of the log's second piece, without its header; an end is added. */
  readonly log: readonly number[];
  /** Units: sectors. */
  readonly logSectors?: number;
  /** The bytes after the log. */
  readonly data?: Uint8Array;
}

/** The start of `data` of a `TestVolume`. Units: sectors. */
export const dataSector = (logSectors = 4) => 1 + logSectors;

/** A whole file system: a first sector that links to one piece of the log, that piece, and data. */
export function volumeBytes({ version = 5, label = 'test', log, logSectors = 4, data }: TestVolume): Uint8Array {
  const bytes = Buffer.alloc((1 + logSectors) * 512 + (data?.length ?? 0));
  const uuid = Array.from({ length: 16 }, (_, index) => index);
  const link = [record.extensionLink, ...varint(1), ...varint(logSectors), record.endOfLog];
  bytes.set([...text(magic), ...varint(version), ...varint(1), ...uuid, ...text(label), 0, ...link]);
  const piece = [...text(magic), ...varint(version), ...varint(logSectors), ...log, record.endOfLog];
  // A log that fills its piece has no end.
  bytes.set(piece.slice(0, logSectors * 512), 512);
  if (data !== undefined) bytes.set(data, dataSector(logSectors) * 512);
  return bytes;
}

/** A file's tuple. Shape: extents as `[file sector, sectors, disk sector]`. */
export function fileTuple(bytes: number, extents: readonly (readonly [number, number, number])[]): Written {
  return {
    filelength: BigInt(bytes),
    extents: Object.fromEntries(
      extents.map(([at, length, offset]) => [
        String(at),
        { length: BigInt(length), offset: BigInt(offset), allocated: BigInt(length) },
      ]),
    ),
  };
}
