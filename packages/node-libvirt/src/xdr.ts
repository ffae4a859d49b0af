import { LibvirtProtocolError } from './errors.ts';

/** Longest string libvirt puts on the wire. Source: limit stringBytes of the protocol description. */
const maxStringBytes = 4_194_304;
const twoTo32 = 4_294_967_296;

/** Reads XDR (RFC 4506) values from a buffer, checking every length. Errors: LibvirtProtocolError. */
export class XdrReader {
  readonly #buffer: Buffer;
  #offset: number;

  constructor(buffer: Buffer, offset = 0) {
    this.#buffer = buffer;
    this.#offset = offset;
  }

  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.#buffer.length - this.#offset;
  }

  #take(bytes: number, what: string): number {
    const at = this.#offset;
    if (bytes > this.#buffer.length - at) {
      throw new LibvirtProtocolError(
        `truncated data: ${what} needs ${bytes} bytes at offset ${at}, ${this.#buffer.length - at} are left`,
      );
    }
    this.#offset = at + bytes;
    return at;
  }

  i32(): number {
    return this.#buffer.readInt32BE(this.#take(4, 'an int'));
  }

  u32(): number {
    return this.#buffer.readUInt32BE(this.#take(4, 'an unsigned int'));
  }

  /** Units: values beyond 2^53 are rounded to the nearest double. */
  i64(): number {
    const at = this.#take(8, 'a hyper');
    return this.#buffer.readInt32BE(at) * twoTo32 + this.#buffer.readUInt32BE(at + 4);
  }

  /** Units: values beyond 2^53 are rounded to the nearest double. */
  u64(): number {
    const at = this.#take(8, 'an unsigned hyper');
    return this.#buffer.readUInt32BE(at) * twoTo32 + this.#buffer.readUInt32BE(at + 4);
  }

  f64(): number {
    return this.#buffer.readDoubleBE(this.#take(8, 'a double'));
  }

  bool(): boolean {
    return this.i32() !== 0;
  }

  string(): string {
    const length = this.u32();
    if (length > maxStringBytes) throw new LibvirtProtocolError(`a string of ${length} bytes is over the limit`);
    const at = this.#take((length + 3) & ~3, `a string of ${length} bytes`);
    return this.#buffer.toString('utf8', at, at + length);
  }

  uuid(): string {
    const at = this.#take(16, 'a UUID');
    const hex = this.#buffer.toString('hex', at, at + 16);
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }

  optional<T>(read: () => T): T | null {
    const present = this.u32();
    if (present > 1) throw new LibvirtProtocolError(`an optional value is marked ${present}, not 0 or 1`);
    return present === 1 ? read() : null;
  }

  list<T>(max: number, read: () => T): T[] {
    const count = this.u32();
    if (count > max) throw new LibvirtProtocolError(`a list of ${count} items is over the limit of ${max}`);
    return this.fixed(count, read);
  }

  fixed<T>(count: number, read: () => T): T[] {
    const items: T[] = [];
    for (let i = 0; i < count; i++) items.push(read());
    return items;
  }

  /** Fails when bytes are left over: the two sides then disagree on the message's form. */
  end(what: string): void {
    if (this.remaining > 0) throw new LibvirtProtocolError(`${this.remaining} bytes too many in ${what}`);
  }
}

/** Builds XDR bytes, growing as needed. */
export class XdrWriter {
  #buffer: Buffer;
  #offset = 0;

  constructor(initialBytes = 256) {
    this.#buffer = Buffer.allocUnsafe(initialBytes);
  }

  // Reserve room before reading the buffer's field: growing replaces the buffer.
  #reserve(bytes: number): number {
    const at = this.#offset;
    if (at + bytes > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, at + bytes));
      this.#buffer.copy(grown, 0, 0, at);
      this.#buffer = grown;
    }
    this.#offset = at + bytes;
    return at;
  }

  i32(value: number): void {
    const at = this.#reserve(4);
    this.#buffer.writeInt32BE(value, at);
  }

  u32(value: number): void {
    const at = this.#reserve(4);
    this.#buffer.writeUInt32BE(value, at);
  }

  i64(value: number): void {
    const at = this.#reserve(8);
    this.#buffer.writeBigInt64BE(BigInt(value), at);
  }

  u64(value: number): void {
    const at = this.#reserve(8);
    this.#buffer.writeBigUInt64BE(BigInt(value), at);
  }

  f64(value: number): void {
    const at = this.#reserve(8);
    this.#buffer.writeDoubleBE(value, at);
  }

  bool(value: boolean): void {
    this.i32(value ? 1 : 0);
  }

  string(value: string): void {
    const length = Buffer.byteLength(value);
    if (length > maxStringBytes) {
      throw new RangeError(`a string of ${length} bytes is over libvirt's limit of ${maxStringBytes}`);
    }
    this.u32(length);
    const padded = (length + 3) & ~3;
    const at = this.#reserve(padded);
    this.#buffer.write(value, at, length, 'utf8');
    this.#buffer.fill(0, at + length, at + padded);
  }

  uuid(value: string): void {
    const hex = value.replaceAll('-', '');
    if (!/^[0-9a-f]{32}$/i.test(hex)) throw new RangeError(`"${value}" is not a UUID`);
    const at = this.#reserve(16);
    this.#buffer.write(hex, at, 16, 'hex');
  }

  bytes(value: Uint8Array): void {
    const at = this.#reserve(value.length);
    this.#buffer.set(value, at);
  }

  optional<T>(value: T | null, write: (value: T) => void): void {
    this.u32(value === null ? 0 : 1);
    if (value !== null) write(value);
  }

  list<T>(values: readonly T[], max: number, write: (value: T) => void): void {
    if (values.length > max) throw new RangeError(`a list of ${values.length} items is over libvirt's limit of ${max}`);
    this.u32(values.length);
    for (const value of values) write(value);
  }

  fixed<T>(values: readonly T[], count: number, write: (value: T) => void): void {
    if (values.length !== count) throw new RangeError(`${values.length} items where exactly ${count} belong`);
    for (const value of values) write(value);
  }

  /** Overwrites four bytes already written. */
  patchU32(value: number, at: number): void {
    this.#buffer.writeUInt32BE(value, at);
  }

  get length(): number {
    return this.#offset;
  }

  /** The bytes written so far; the writer must not be used after. */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#offset);
  }
}
