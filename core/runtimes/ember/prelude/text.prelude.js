// TextEncoder and TextDecoder by the Encoding standard; of encodings those that are not East Asian, as far as they need no large table.
() => {
  const global = globalThis;

  /** Writes UTF-8 of well-formed text, as far as whole characters fit. */
  function encodeAt(source, bytes, limit) {
    let at = 0;
    let i = 0;
    for (; i < source.length; i++) {
      const code = source.charCodeAt(i);
      if (code < 0x80) {
        if (at >= limit) break;
        bytes[at++] = code;
      } else if (code < 0x800) {
        if (at + 2 > limit) break;
        bytes[at++] = 0xc0 | (code >> 6);
        bytes[at++] = 0x80 | (code & 63);
      } else if (code >= 0xd800 && code < 0xdc00) {
        if (at + 4 > limit) break;
        const point = 0x10000 + ((code - 0xd800) << 10) + source.charCodeAt(++i) - 0xdc00;
        bytes[at++] = 0xf0 | (point >> 18);
        bytes[at++] = 0x80 | ((point >> 12) & 63);
        bytes[at++] = 0x80 | ((point >> 6) & 63);
        bytes[at++] = 0x80 | (point & 63);
      } else {
        if (at + 3 > limit) break;
        bytes[at++] = 0xe0 | (code >> 12);
        bytes[at++] = 0x80 | ((code >> 6) & 63);
        bytes[at++] = 0x80 | (code & 63);
      }
    }
    return { read: i, written: at };
  }

  global.TextEncoder = class TextEncoder {
    get encoding() {
      return 'utf-8';
    }
    encode(text = '') {
      const source = String(text).toWellFormed();
      const bytes = new Uint8Array(source.length * 3);
      return bytes.slice(0, encodeAt(source, bytes, bytes.length).written);
    }
    encodeInto(text, target) {
      if (!(target instanceof Uint8Array)) throw new TypeError('encodeInto writes into a Uint8Array.');
      return encodeAt(String(text).toWellFormed(), target, target.length);
    }
    get [Symbol.toStringTag]() {
      return 'TextEncoder';
    }
  };

  const labels = {
    'utf-8': 'utf-8 utf8 unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8',
    'utf-16le': 'utf-16le utf-16 ucs-2 unicode iso-10646-ucs-2 csunicode unicodefeff',
    'utf-16be': 'utf-16be unicodefffe',
    'windows-1252':
      'windows-1252 cp1252 x-cp1252 ascii us-ascii ansi_x3.4-1968 latin1 l1 iso-8859-1 iso8859-1 iso88591 iso_8859-1 iso_8859-1:1987 iso-ir-100 csisolatin1 cp819 ibm819',
  };
  /** 0x80 to 0x9f of windows-1252; above and below it is Unicode's own order. */
  const upper = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';

  function encodingOf(label) {
    const wanted = String(label)
      .replace(/^[\t\n\f\r ]+|[\t\n\f\r ]+$/g, '')
      .toLowerCase();
    const found = Object.keys(labels).find((name) => labels[name].split(' ').includes(wanted));
    if (found === undefined) {
      throw new RangeError(`TextDecoder here knows ${Object.keys(labels).join(', ')}, not ${JSON.stringify(label)}.`);
    }
    return found;
  }

  function bytesOf(input) {
    if (input === undefined) return new Uint8Array();
    if (ArrayBuffer.isView(input)) return new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
    if (input instanceof ArrayBuffer || input instanceof SharedArrayBuffer) return new Uint8Array(input);
    throw new TypeError('TextDecoder decodes an ArrayBuffer or a view of one.');
  }

  /** Collects UTF-16 units, some thousands at a time. */
  function collector() {
    let units = [];
    let text = '';
    const flush = () => {
      text += String.fromCharCode(...units);
      units = [];
    };
    return {
      put(code) {
        if (code > 0xffff) units.push(0xd800 + ((code - 0x10000) >> 10), 0xdc00 + ((code - 0x10000) & 1023));
        else units.push(code);
        if (units.length >= 4096) flush();
      },
      text() {
        flush();
        return text;
      },
    };
  }

  /** Shape: how many bytes at the end begin a character that more bytes may complete. */
  function decodeUtf8(bytes, put, bad) {
    let at = 0;
    while (at < bytes.length) {
      const lead = bytes[at++];
      if (lead < 0x80) {
        put(lead);
        continue;
      }
      const need =
        lead >= 0xc2 && lead < 0xe0 ? 1 : lead >= 0xe0 && lead < 0xf0 ? 2 : lead >= 0xf0 && lead < 0xf5 ? 3 : 0;
      if (need === 0) {
        bad();
        continue;
      }
      const from = at - 1;
      let code = lead & (0x3f >> need);
      let low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
      let high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
      let left = need;
      while (left > 0 && at < bytes.length && bytes[at] >= low && bytes[at] <= high) {
        code = (code << 6) | (bytes[at++] & 63);
        low = 0x80;
        high = 0xbf;
        left--;
      }
      if (left === 0) put(code);
      else if (at === bytes.length) return bytes.length - from;
      else bad();
    }
    return 0;
  }

  function decodeUtf16(bytes, isBig, put, bad) {
    const unit = (at) => (isBig ? (bytes[at] << 8) | bytes[at + 1] : bytes[at] | (bytes[at + 1] << 8));
    let at = 0;
    for (; at + 1 < bytes.length; at += 2) {
      const code = unit(at);
      if (code < 0xd800 || code > 0xdfff) put(code);
      else if (code >= 0xdc00) bad();
      else if (at + 3 >= bytes.length) return bytes.length - at;
      else {
        const next = unit(at + 2);
        if (next < 0xdc00 || next > 0xdfff) {
          bad();
          continue;
        }
        put(0x10000 + ((code - 0xd800) << 10) + next - 0xdc00);
        at += 2;
      }
    }
    return bytes.length - at;
  }

  global.TextDecoder = class TextDecoder {
    #encoding;
    #fatal;
    #keepBom;
    /** Bytes of a character that more may complete. */
    #held = new Uint8Array();
    #isBegun = false;

    constructor(label = 'utf-8', options) {
      this.#encoding = encodingOf(label);
      this.#fatal = Boolean(options?.fatal);
      this.#keepBom = Boolean(options?.ignoreBOM);
    }
    get encoding() {
      return this.#encoding;
    }
    get fatal() {
      return this.#fatal;
    }
    get ignoreBOM() {
      return this.#keepBom;
    }
    decode(input, options) {
      let bytes = bytesOf(input);
      const more = Boolean(options?.stream);
      if (this.#held.length > 0) {
        const joined = new Uint8Array(this.#held.length + bytes.length);
        joined.set(this.#held);
        joined.set(bytes, this.#held.length);
        bytes = joined;
        this.#held = new Uint8Array();
      }
      const { put, text } = collector();
      const bad = () => {
        if (!this.#fatal) return put(0xfffd);
        this.#isBegun = false;
        throw new TypeError(`The bytes are not valid ${this.#encoding}.`);
      };
      const left = this.#decodeInto(bytes, put, bad);
      if (left > 0) {
        if (more) this.#held = bytes.slice(bytes.length - left);
        else bad();
      }
      let decoded = text();
      if (decoded !== '') {
        const isFirst = !this.#isBegun;
        this.#isBegun = true;
        const hasBom = this.#encoding !== 'windows-1252' && decoded.charCodeAt(0) === 0xfeff;
        if (isFirst && hasBom && !this.#keepBom) decoded = decoded.slice(1);
      }
      if (!more) this.#isBegun = false;
      return decoded;
    }
    #decodeInto(bytes, put, bad) {
      if (this.#encoding === 'utf-8') return decodeUtf8(bytes, put, bad);
      if (this.#encoding !== 'windows-1252') return decodeUtf16(bytes, this.#encoding === 'utf-16be', put, bad);
      for (const byte of bytes) put(byte >= 0x80 && byte < 0xa0 ? upper.charCodeAt(byte - 0x80) : byte);
      return 0;
    }
    get [Symbol.toStringTag]() {
      return 'TextDecoder';
    }
  };
};
