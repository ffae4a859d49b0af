import { isUtf8 } from 'node:buffer';
import { maxVarintBytes } from './format.ts';
import { damagedVolume } from './tfs-error.ts';

/** A stretch of bytes and the place of its first byte on the disk. */
export interface Placed {
  /** The offset in the cursor's bytes. */
  readonly from: number;
  readonly diskStart: number;
}

/** Reads bytes one after another, never past their end, and knows its place on the disk. */
export class Cursor {
  at = 0;
  readonly bytes: Buffer;
  private readonly path: string;
  private readonly pieces: readonly Placed[];

  /** Shape: `pieces` by `from`, the first at 0. */
  constructor(path: string, bytes: Uint8Array, pieces: readonly Placed[]) {
    this.path = path;
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.pieces = pieces;
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  /** The place on the disk of one of these bytes. */
  placeOf(at: number): number {
    let low = 0;
    // A binary search, because a record may have any number of parts.
    for (let high = this.pieces.length; high - low > 1; ) {
      const middle = (low + high) >> 1;
      if ((this.pieces[middle]?.from ?? 0) <= at) low = middle;
      else high = middle;
    }
    const piece = this.pieces[low];
    return piece === undefined ? at : piece.diskStart + at - piece.from;
  }

  invalid(what: string, at = this.at): Error {
    return damagedVolume(this.path, what, this.placeOf(at));
  }

  byte(): number {
    const value = this.bytes[this.at];
    if (value === undefined) throw this.invalid('the log ends in the middle of a record');
    this.at++;
    return value;
  }

  take(length: number): Buffer {
    if (length > this.left) throw this.invalid(`${length} bytes are announced where ${this.left} are left`);
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  skip(length: number): void {
    this.take(length);
  }

  /** Seven bits for each byte, the high ones first. Shape: `head` are the earlier bits. */
  varint(head = 0): number {
    const from = this.at;
    let value = head;
    for (;;) {
      const byte = this.byte();
      // Not shifted: a shift works in 32 bits and would change the number.
      value = value * 128 + (byte & 0x7f);
      if (!Number.isSafeInteger(value) || this.at - from > maxVarintBytes) {
        throw this.invalid('a number that is longer than numbers are', from);
      }
      if (byte < 0x80) return value;
    }
  }

  /** A varint of all its 64 bits. */
  wideVarint(): bigint {
    const from = this.at;
    let value = 0n;
    for (;;) {
      const byte = this.byte();
      value = (value << 7n) | BigInt(byte & 0x7f);
      if (this.at - from > maxVarintBytes || value >= 1n << 64n) {
        throw this.invalid('a number that is longer than numbers are', from);
      }
      if (byte < 0x80) return value;
    }
  }

  /** Text: UTF-8, or with `\xNN` for every byte beyond ASCII where it is not. */
  text(length: number): string {
    const bytes = this.take(length);
    if (isUtf8(bytes)) return bytes.toString('utf8');
    return bytes.toString('latin1').replace(/[\x80-\xff]/g, (char) => `\\x${char.charCodeAt(0).toString(16)}`);
  }
}
