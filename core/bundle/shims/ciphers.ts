/** AES as `node:crypto` has it: what is put in comes out at once, as far as the mode allows. */

import { ghash } from '@noble/ciphers/_polyval.js';
import { cbc, ctr, ecb, gcm } from '@noble/ciphers/aes.js';

type Bytes = Uint8Array<ArrayBuffer>;

/** A mode at work: `add` gives what is ready, `end` the rest. */
interface Mode {
  readonly add: (data: Bytes) => Uint8Array;
  readonly end: () => Uint8Array;
}
interface GcmMode extends Mode {
  readonly authenticate: (data: Bytes) => void;
  readonly tag: () => Bytes;
}

const blockBytes = 16;
const none = new Uint8Array(0);

function join(...parts: readonly Uint8Array[]): Bytes {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** The counter block that follows `start` after some blocks. The first `wraps` bytes from the end count. */
function counterAfter(start: Bytes, blocks: number, wraps: number): Bytes {
  const counter = start.slice();
  let carry = blocks;
  for (let at = blockBytes - 1; at >= blockBytes - wraps && carry > 0; at--) {
    carry += counter[at] ?? 0;
    counter[at] = carry % 256;
    carry = Math.floor(carry / 256);
  }
  return counter;
}

/** Counter mode, which ends with any byte. */
function counterMode(key: Bytes, start: Bytes, wraps: number): Mode {
  let at = 0;
  return {
    add: function add(data): Uint8Array {
      if (data.length === 0) return none;
      const skip = at % blockBytes;
      const counter = counterAfter(start, Math.floor(at / blockBytes), wraps);
      // The engine counts in all bytes: where fewer count, it starts anew at their end.
      const blocks = wraps === 4 ? 2 ** 32 - new DataView(counter.buffer).getUint32(12) : Number.POSITIVE_INFINITY;
      const part = data.subarray(0, blocks * blockBytes - skip);
      at += part.length;
      const made = ctr(key, counter)
        .encrypt(join(new Uint8Array(skip), part))
        .subarray(skip);
      return part.length === data.length ? made : join(made, add(data.slice(part.length)));
    },
    end: () => none,
  };
}

/** Modes of whole blocks. `pads`: the last block says how many of its bytes are none of the data. */
function blockMode(key: Bytes, iv: Bytes | null, encrypts: boolean, pads: () => boolean): Mode {
  let [left, last] = [none as Bytes, iv];
  const turn = (data: Bytes): Uint8Array => {
    if (data.length === 0) return none;
    const cipher = last === null ? ecb(key, { disablePadding: true }) : cbc(key, last, { disablePadding: true });
    const made = encrypts ? cipher.encrypt(data) : cipher.decrypt(data);
    if (last !== null) last = (encrypts ? made : data).slice(-blockBytes) as Bytes;
    return made;
  };
  return {
    add: (data) => {
      const all = join(left, data);
      // The last whole block of what is decrypted may be padding.
      const held = !encrypts && pads() && all.length > 0 ? 1 : 0;
      const ready = Math.floor((all.length - held) / blockBytes) * blockBytes;
      left = all.slice(ready);
      return turn(all.slice(0, ready));
    },
    end: () => {
      if (!pads() || !encrypts) {
        if (left.length % blockBytes !== 0 || (pads() && left.length === 0)) throw failed('wrong final block length');
        const made = turn(left);
        if (!pads()) return made;
        const count = made.at(-1) ?? 0;
        if (count < 1 || count > blockBytes || made.slice(-count).some((byte) => byte !== count))
          throw failed('bad decrypt');
        return made.subarray(0, made.length - count);
      }
      const count = blockBytes - left.length;
      return turn(join(left, new Uint8Array(count).fill(count)));
    },
  };
}

function gcmMode(key: Bytes, iv: Bytes, encrypts: boolean): GcmMode {
  // The counter that the tag is made with is a digest of a nonce that has not 12 bytes.
  const hashKey = ecb(key, { disablePadding: true }).encrypt(new Uint8Array(blockBytes));
  const bits = new Uint8Array(blockBytes);
  new DataView(bits.buffer).setUint32(12, iv.length * 8);
  const padded = new Uint8Array((-iv.length & 15) + iv.length);
  padded.set(iv);
  const first = (
    iv.length === 12 ? join(iv, new Uint8Array([0, 0, 0, 1])) : ghash(join(padded, bits), hashKey)
  ) as Bytes;
  const mode = counterMode(key, counterAfter(first, 1, 4), 4);
  const plain: Uint8Array[] = [];
  const authentic: Bytes[] = [];
  return {
    add: (data) => {
      const made = mode.add(data);
      plain.push(encrypts ? data : made);
      return made;
    },
    end: () => none,
    authenticate: (data) => authentic.push(data),
    tag: () =>
      gcm(key, iv, join(...authentic))
        .encrypt(join(...plain))
        .slice(-blockBytes) as Bytes,
  };
}

const failed = (reason: string) =>
  Object.assign(new Error(`error:1C80006B:Provider routines::${reason}`), { library: 'Provider routines', reason });

/** The names that are known. */
const pattern = /^(?:aes-?(128|192|256)-(cbc|ctr|ecb|gcm)|id-aes(128|192|256)-gcm)$/;
export const cipherNames: readonly string[] = ['cbc', 'ctr', 'ecb', 'gcm'].flatMap((mode) =>
  [128, 192, 256].map((bits) => `aes-${bits}-${mode}`),
);

export interface Cipher extends Mode {
  readonly setPadding: (pads: boolean) => void;
  readonly gcm: GcmMode | null;
}

/** Errors: an Error with Node's code for a name that is not known, a key or a nonce of another length. */
export function openCipher(name: string, key: Bytes, iv: Bytes | null, encrypts: boolean): Cipher {
  const found = pattern.exec(name.toLowerCase());
  if (found === null) {
    const message = `There is no cipher ${name} here; there are ${cipherNames.join(', ')}.`;
    throw Object.assign(new Error(message), { code: 'ERR_CRYPTO_UNKNOWN_CIPHER' });
  }
  const [, bits = found[3], mode = 'gcm'] = found;
  if (key.length * 8 !== Number(bits))
    throw Object.assign(new RangeError('Invalid key length'), { code: 'ERR_CRYPTO_INVALID_KEYLEN' });
  const ivFits =
    mode === 'ecb' ? (iv?.length ?? 0) === 0 : mode === 'gcm' ? (iv?.length ?? 0) > 0 : iv?.length === blockBytes;
  if (!ivFits) throw Object.assign(new TypeError('Invalid initialization vector'), { code: 'ERR_CRYPTO_INVALID_IV' });
  let pads = true;
  const nonce = iv ?? none;
  const authenticated = mode === 'gcm' ? gcmMode(key, nonce, encrypts) : null;
  const plain = () =>
    mode === 'ctr'
      ? counterMode(key, nonce, blockBytes)
      : blockMode(key, mode === 'ecb' ? null : nonce, encrypts, () => pads);
  return {
    ...(authenticated ?? plain()),
    setPadding: (given) => {
      pads = given;
    },
    gcm: authenticated,
  };
}
