const { hkdf } = require('@noble/hashes/hkdf.js');
const { hmac } = require('@noble/hashes/hmac.js');
const { md5, ripemd160, sha1 } = require('@noble/hashes/legacy.js');
const { pbkdf2 } = require('@noble/hashes/pbkdf2.js');
const { scrypt } = require('@noble/hashes/scrypt.js');
const { sha224, sha256, sha384, sha512, sha512_224, sha512_256 } = require('@noble/hashes/sha2.js');
const { Buffer } = require('buffer');

const hashes = {
  md5,
  sha1,
  sha224,
  sha256,
  sha384,
  sha512,
  'sha512-224': sha512_224,
  'sha512-256': sha512_256,
  ripemd160,
};

function hashOf(name) {
  const plain = String(name).toLowerCase().replace(/^rsa-/, '').replace(/^sha-/, 'sha').replace('/', '-');
  const hash = hashes[plain];
  if (hash === undefined)
    throw new Error(`There is no digest ${name} here; there are ${Object.keys(hashes).join(', ')}.`);
  return hash;
}
/** The key of `createSecretKey`. */
class KeyObject {
  #bytes;
  type = 'secret';
  constructor(bytes) {
    this.#bytes = Buffer.from(bytes);
  }
  get symmetricKeySize() {
    return this.#bytes.length;
  }
  export({ format = 'buffer' } = {}) {
    return format === 'jwk' ? { kty: 'oct', k: this.#bytes.toString('base64url') } : Buffer.from(this.#bytes);
  }
  equals(other) {
    return other instanceof KeyObject && timingSafeEqual(this.#bytes, other.export());
  }
}
function refuseKeyPair() {
  throw new Error('Keys of signatures are not here: `crypto.subtle` imports, makes and uses them.');
}

const bytesOf = (data, encoding) =>
  typeof data === 'string'
    ? Buffer.from(data, encoding)
    : data instanceof KeyObject
      ? data.export()
      : ArrayBuffer.isView(data)
        ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
        : new Uint8Array(data);

/** What `createHash` and `createHmac` give. */
class Digest {
  #state;
  constructor(state) {
    this.#state = state;
  }
  update(data, encoding) {
    this.#state.update(bytesOf(data, encoding));
    return this;
  }
  digest(encoding) {
    const bytes = Buffer.from(this.#state.digest());
    return encoding === undefined || encoding === 'buffer' ? bytes : bytes.toString(encoding);
  }
  copy() {
    return new Digest(this.#state.clone());
  }
}

function randomBytes(count, callback) {
  const bytes = Buffer.alloc(count);
  for (let at = 0; at < count; at += 65536) crypto.getRandomValues(bytes.subarray(at, at + 65536));
  if (callback === undefined) return bytes;
  setImmediate(() => callback(null, bytes));
}
function randomInt(min, max, callback) {
  const [low, high] = typeof max === 'number' ? [min, max] : [0, min];
  const value = low + Math.floor(Math.random() * (high - low));
  const done = typeof max === 'function' ? max : callback;
  if (done === undefined) return value;
  setImmediate(() => done(null, value));
}
function timingSafeEqual(a, b) {
  const [one, two] = [bytesOf(a), bytesOf(b)];
  if (one.length !== two.length)
    throw Object.assign(new RangeError('Input buffers must have the same byte length'), {
      code: 'ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH',
    });
  let difference = 0;
  for (let i = 0; i < one.length; i++) difference |= one[i] ^ two[i];
  return difference === 0;
}
const later =
  (work) =>
  (...args) => {
    const callback = args.pop();
    setImmediate(() => {
      try {
        callback(null, work(...args));
      } catch (error) {
        callback(error);
      }
    });
  };
const pbkdf2Sync = (password, salt, c, dkLen, digest) =>
  Buffer.from(pbkdf2(hashOf(digest), bytesOf(password), bytesOf(salt), { c, dkLen }));
const scryptSync = (
  password,
  salt,
  dkLen,
  { N = 16384, cost = N, r = 8, blockSize = r, p = 1, parallelization = p } = {},
) => Buffer.from(scrypt(bytesOf(password), bytesOf(salt), { N: cost, r: blockSize, p: parallelization, dkLen }));
const hkdfSync = (digest, key, salt, info, length) =>
  hkdf(hashOf(digest), bytesOf(key), bytesOf(salt), bytesOf(info), length).buffer;

/** AES, which the bundler adds for code that names it: so the names of these two are put together here. */
const cipherOf = (call) => (name, key, iv, options) => {
  const ciphers = globalThis[Symbol.for('firstlight.ciphers')];
  if (ciphers === undefined) throw new Error('AES is not in this bundle: nothing in its code names the call.');
  return ciphers[call](String(name), bytesOf(key), iv === null ? null : bytesOf(iv), options);
};

module.exports = {
  KeyObject,
  [`create${'Cipheriv'}`]: cipherOf('create'),
  [`create${'Decipheriv'}`]: cipherOf('open'),
  getCiphers: () => [...(globalThis[Symbol.for('firstlight.ciphers')]?.names ?? [])],
  createSecretKey: (key, encoding) => new KeyObject(bytesOf(key, encoding)),
  // Libraries of tokens try these with every key, and take one that is refused for a secret.
  createPrivateKey: refuseKeyPair,
  createPublicKey: refuseKeyPair,
  createHash: (name) => new Digest(hashOf(name).create()),
  createHmac: (name, key) => new Digest(hmac.create(hashOf(name), bytesOf(key))),
  hash: (name, data, encoding = 'hex') => new Digest(hashOf(name).create()).update(data).digest(encoding),
  getHashes: () => Object.keys(hashes),
  randomBytes,
  randomFillSync: (view) => crypto.getRandomValues(view),
  randomInt,
  randomUUID: () => crypto.randomUUID(),
  getRandomValues: (view) => crypto.getRandomValues(view),
  timingSafeEqual,
  pbkdf2Sync,
  pbkdf2: later(pbkdf2Sync),
  scryptSync,
  scrypt: later(scryptSync),
  hkdfSync,
  hkdf: later(hkdfSync),
  get webcrypto() {
    return crypto;
  },
  get subtle() {
    return globalThis.crypto.subtle;
  },
};
