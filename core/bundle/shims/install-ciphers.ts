/** `createCipheriv` and `createDecipheriv` of `node:crypto`, for code that names them. */
import { type Cipher, cipherNames, openCipher } from './ciphers.ts';

type Bytes = Uint8Array<ArrayBuffer>;
type Text = (bytes: Uint8Array, isLast: boolean) => string;

/** Bytes in pieces to text in pieces, none of which cuts a character or a group of digits. */
function textIn(encoding: BufferEncoding): Text {
  if (/^utf-?8$/i.test(encoding)) {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    return (bytes, isLast) => decoder.decode(bytes, { stream: !isLast });
  }
  const unit = /^base64/.test(encoding) ? 3 : /^(?:ucs|utf)-?(?:2|16)/i.test(encoding) ? 2 : 1;
  let left = Buffer.alloc(0);
  return (bytes, isLast) => {
    const all = Buffer.concat([left, bytes]);
    const ready = isLast ? all.length : all.length - (all.length % unit);
    left = all.subarray(ready);
    return all.subarray(0, ready).toString(encoding);
  };
}

function stateError(what: string) {
  return Object.assign(new Error(`Unsupported state or unable to ${what}`), { code: 'ERR_CRYPTO_INVALID_STATE' });
}

/** What both calls give. */
class CipherAtWork {
  #cipher: Cipher;
  #encrypts: boolean;
  #tagBytes: number;
  #tag: Bytes | undefined;
  #hasEnded = false;
  #text: Text | undefined;

  constructor(cipher: Cipher, encrypts: boolean, tagBytes: number) {
    this.#cipher = cipher;
    this.#encrypts = encrypts;
    this.#tagBytes = tagBytes;
  }
  update(data: string | Bytes, from?: BufferEncoding, to?: BufferEncoding): string | Buffer {
    if (this.#hasEnded) throw stateError('update');
    return this.#give(
      this.#cipher.add(typeof data === 'string' ? Uint8Array.from(Buffer.from(data, from)) : bytesOf(data)),
      to,
      false,
    );
  }
  final(to?: BufferEncoding): string | Buffer {
    if (this.#hasEnded) throw stateError('finalize');
    this.#hasEnded = true;
    const rest = this.#cipher.end();
    const { gcm } = this.#cipher;
    if (gcm !== null) {
      const tag = gcm.tag();
      if (this.#encrypts) this.#tag = tag;
      else if (this.#tag === undefined || !isSame(tag.subarray(0, this.#tag.length), this.#tag))
        throw new Error('Unsupported state or unable to authenticate data');
    }
    return this.#give(rest, to, true);
  }
  setAutoPadding(pads = true): this {
    this.#cipher.setPadding(pads);
    return this;
  }
  setAAD(data: Bytes): this {
    this.#authenticated().authenticate(bytesOf(data));
    return this;
  }
  getAuthTag(): Buffer {
    this.#authenticated();
    if (!this.#encrypts || this.#tag === undefined) throw stateError('get the authentication tag');
    return Buffer.from(this.#tag.subarray(0, this.#tagBytes));
  }
  setAuthTag(tag: string | Bytes, encoding?: BufferEncoding): this {
    this.#authenticated();
    if (this.#encrypts || this.#hasEnded) throw stateError('set the authentication tag');
    const bytes = Uint8Array.from(typeof tag === 'string' ? Buffer.from(tag, encoding) : bytesOf(tag));
    if (![4, 8, 12, 13, 14, 15, 16].includes(bytes.length))
      throw Object.assign(new TypeError(`Invalid authentication tag length: ${bytes.length}`), {
        code: 'ERR_CRYPTO_INVALID_AUTH_TAG',
      });
    this.#tag = bytes;
    return this;
  }
  #authenticated() {
    if (this.#cipher.gcm === null) throw stateError('authenticate: the mode has no tag');
    return this.#cipher.gcm;
  }
  #give(bytes: Uint8Array, to: BufferEncoding | undefined, isLast: boolean): string | Buffer {
    if (to === undefined || (to as string) === 'buffer') return Buffer.from(bytes);
    this.#text ??= textIn(to);
    return this.#text(bytes, isLast);
  }
}

const bytesOf = (data: ArrayBufferView<ArrayBuffer> | ArrayBuffer): Bytes =>
  ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);

/** In constant time, wherever the bytes differ. */
function isSame(a: Bytes, b: Bytes): boolean {
  let difference = a.length ^ b.length;
  for (let at = 0; at < a.length; at++) difference |= (a[at] ?? 0) ^ (b[at] ?? 0);
  return difference === 0;
}

interface Options {
  readonly authTagLength?: number;
}
const create =
  (encrypts: boolean) =>
  (name: string, key: Bytes, iv: Bytes | null, { authTagLength = 16 }: Options = {}) =>
    new CipherAtWork(
      openCipher(name, Uint8Array.from(key), iv === null ? null : Uint8Array.from(iv), encrypts),
      encrypts,
      authTagLength,
    );

Object.defineProperty(globalThis, Symbol.for('firstlight.ciphers'), {
  value: { create: create(true), open: create(false), names: cipherNames },
});
