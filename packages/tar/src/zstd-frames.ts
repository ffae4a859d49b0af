/** Follows the frames of a Zstandard stream, to read their memory needs first. Source: RFC 8878, section 3.1. */

type Expecting = 'magic' | 'skippable' | 'descriptor' | 'header' | 'block' | 'checksum';

/** Units: bytes of the expected part of a frame. */
const lengths = { magic: 4, skippable: 4, descriptor: 1, block: 3, checksum: 4 } as const;
const magicNumber = 0xfd2fb528;
/** Any value in the lowest four bits is valid. */
const skippableMagic = 0x184d2a50;

/**
 * Takes the bytes of a stream in order, and calls `onWindow` with the memory that each frame needs for unpacking.
 *
 * Shape: bytes that are not a frame end it without an error; unpacking finds that too. Units: bytes.
 */
export function followFrames(onWindow: (bytes: number) => void): (chunk: Uint8Array) => void {
  let expecting: Expecting | null = 'magic';
  let skip = 0;
  let part: number[] = [];
  let descriptor = 0;

  /** The part that follows a complete one. */
  function after(complete: Expecting, bytes: Buffer): Expecting | null {
    switch (complete) {
      case 'magic': {
        const magic = bytes.readUInt32LE();
        if (magic === magicNumber) return 'descriptor';
        return (magic & 0xfffffff0) >>> 0 === skippableMagic ? 'skippable' : null;
      }
      case 'skippable':
        skip = bytes.readUInt32LE();
        return 'magic';
      case 'descriptor':
        descriptor = bytes.readUInt8();
        return 'header';
      case 'header':
        onWindow(windowOf(descriptor, bytes));
        return 'block';
      case 'block': {
        const header = bytes.readUIntLE(0, 3);
        const isLast = (header & 1) === 1;
        const isRepeated = ((header >> 1) & 3) === 1;
        skip = isRepeated ? 1 : header >> 3;
        if (!isLast) return 'block';
        return hasChecksum(descriptor) ? 'checksum' : 'magic';
      }
      case 'checksum':
        return 'magic';
    }
  }

  return (chunk) => {
    let at = 0;
    while (at < chunk.length && expecting !== null) {
      if (skip > 0) {
        const skipped = Math.min(skip, chunk.length - at);
        skip -= skipped;
        at += skipped;
        continue;
      }
      part.push(chunk[at++] as number);
      if (part.length < (expecting === 'header' ? headerLength(descriptor) : lengths[expecting])) continue;
      expecting = after(expecting, Buffer.from(part));
      part = [];
    }
  };
}

const hasChecksum = (descriptor: number) => (descriptor & 0x04) !== 0;
const isSingleSegment = (descriptor: number) => (descriptor & 0x20) !== 0;
const dictionaryLength = (descriptor: number) => [0, 1, 2, 4][descriptor & 3] as number;
const contentSizeLength = (descriptor: number) =>
  [isSingleSegment(descriptor) ? 1 : 0, 2, 4, 8][descriptor >> 6] as number;
const headerLength = (descriptor: number) =>
  (isSingleSegment(descriptor) ? 0 : 1) + dictionaryLength(descriptor) + contentSizeLength(descriptor);

/** The window of a frame; of one in a single segment, its content. */
function windowOf(descriptor: number, header: Buffer): number {
  if (!isSingleSegment(descriptor)) {
    const byte = header.readUInt8();
    const base = 2 ** (10 + (byte >> 3));
    return base + (base / 8) * (byte & 7);
  }
  const length = contentSizeLength(descriptor);
  const at = dictionaryLength(descriptor);
  if (length === 8) return Number(header.readBigUInt64LE(at));
  return header.readUIntLE(at, length) + (length === 2 ? 256 : 0);
}
