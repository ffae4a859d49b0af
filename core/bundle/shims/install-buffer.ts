/** `Buffer` from the library that browsers use, with Node.js's later additions. */
import * as library from 'buffer/index.js';

type Encoded = (text: string, encoding?: string) => string;
const { Buffer } = library;
const { toString: textOf, write } = Buffer.prototype as unknown as {
  toString: (...args: unknown[]) => string;
  write: (...args: unknown[]) => number;
};
const { from, isEncoding, byteLength } = Buffer as unknown as Record<string, (...args: unknown[]) => unknown>;
const known = (encoding: unknown) => (encoding === 'base64url' ? 'base64' : encoding);
const toUrl: Encoded = (text) => text.replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');

Object.assign(Buffer, {
  from: (value: unknown, encoding: unknown, length: unknown) => from?.call(Buffer, value, known(encoding), length),
  isEncoding: (encoding: unknown) => encoding === 'base64url' || isEncoding?.call(Buffer, encoding),
  byteLength: (value: unknown, encoding: unknown) => byteLength?.call(Buffer, value, known(encoding)),
  copyBytesFrom: (view: Uint8Array, offset = 0, length = view.length - offset) => {
    const { buffer, byteOffset, byteLength } = view.slice(offset, offset + length);
    return Buffer.from(buffer, byteOffset, byteLength);
  },
});
const methods = Buffer.prototype as unknown as Record<string, unknown>;
for (const end of ['LE', 'BE']) {
  methods[`readBigUint64${end}`] = methods[`readBigUInt64${end}`];
  methods[`writeBigUint64${end}`] = methods[`writeBigUInt64${end}`];
}
Object.defineProperties(Buffer.prototype, {
  toString: {
    value(encoding?: unknown, ...range: unknown[]) {
      const text = textOf.call(this, known(encoding), ...range);
      return encoding === 'base64url' ? toUrl(text) : text;
    },
    writable: true,
    configurable: true,
  },
  equals: {
    value(other: unknown) {
      return Buffer.compare(this, other as Buffer) === 0;
    },
    writable: true,
    configurable: true,
  },
  write: {
    value(...args: unknown[]) {
      return write.call(this, ...args.map(known));
    },
    writable: true,
    configurable: true,
  },
});

const isAscii = (bytes: Uint8Array) => new Uint8Array(bytes).every((byte) => byte < 128);
function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

const module = { ...library, Buffer, atob, btoa, isAscii, isUtf8, default: undefined };
Object.assign(globalThis, { Buffer });
Object.defineProperty(globalThis, Symbol.for('firstlight.buffer'), { value: module });
