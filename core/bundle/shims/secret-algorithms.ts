/** Digests, HMAC, AES and the derivation of keys. */
import { aeskw, cbc, ctr, gcm } from '@noble/ciphers/aes.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha1 } from '@noble/hashes/legacy.js';
import { pbkdf2 } from '@noble/hashes/pbkdf2.js';
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js';
import { concat, toBytes, toNumber } from './der.ts';
import {
  type Algorithm,
  attempt,
  type Bytes,
  bytesOf,
  type CryptoKey,
  fromBase64Url,
  hashNameOf,
  type Jwk,
  makeKey,
  type Params,
  secretOf,
  toBase64Url,
  type Usage,
} from './subtle.ts';

const hashes = { 'SHA-1': sha1, 'SHA-256': sha256, 'SHA-384': sha384, 'SHA-512': sha512 } as const;

/** Errors: DOMException NotSupportedError. */
export function hashOf(given: unknown) {
  const name = hashNameOf(given) as keyof typeof hashes;
  const hash = hashes[name];
  if (hash === undefined) throw new DOMException(`There is no digest ${name} here.`, 'NotSupportedError');
  return { name, hash };
}
const digestOf = ({ algorithm }: CryptoKey) => hashOf(algorithm.hash).hash;

export const randomBytes = (count: number): Bytes => crypto.getRandomValues(new Uint8Array(count));

/** The secret of a key that consists of bytes only. `algOf` has the name that a JWK of that secret may bear. */
function readSecret(format: string, data: Bytes | Jwk, algOf: (secret: Bytes) => string): Bytes {
  if (format === 'raw') return data as Bytes;
  if (format === 'jwk' && (data as Jwk).kty === 'oct') {
    const { alg } = data as Jwk;
    const secret = fromBase64Url((data as Jwk).k);
    // A key that was made for one algorithm must not sign by another.
    if (alg !== undefined && alg !== algOf(secret))
      throw new DOMException(`The JWK is for ${alg}, not for ${algOf(secret)}.`, 'DataError');
    return secret;
  }
  throw new DOMException(`A secret key is imported as raw or as jwk of kty oct, not as ${format}.`, 'DataError');
}
function writeSecret(format: string, key: CryptoKey, alg: string): Uint8Array | Jwk {
  const secret = secretOf<Bytes>(key);
  if (format === 'raw') return secret.slice();
  return { kty: 'oct', k: toBase64Url(secret), alg, ext: key.extractable, key_ops: [...key.usages] };
}

const hmacAlg = (hash: unknown) => `HS${hashOf(hash).name.slice(4)}`;
const blockBits = (name: string) => (name === 'SHA-384' || name === 'SHA-512' ? 1024 : 512);
const hmacAlgorithm: Algorithm = {
  usages: { secret: ['sign', 'verify'] },
  hasHash: true,
  sign: (_params, key, data) => hmac(digestOf(key), secretOf<Bytes>(key), data),
  verify: (_params, key, signature, data) => equal(hmac(digestOf(key), secretOf<Bytes>(key), data), signature),
  generateKey: (params, extractable, usages) =>
    hmacKey(randomBytes(Number(params.length ?? blockBits(hashOf(params.hash).name)) / 8), params, extractable, usages),
  importKey: (format, data, params, extractable, usages) =>
    hmacKey(
      readSecret(format, data, () => hmacAlg(params.hash)),
      params,
      extractable,
      usages,
    ),
  exportKey: (format, key) => writeSecret(format, key, hmacAlg(key.algorithm.hash)),
  keyBits: (params) => Number(params.length ?? blockBits(hashOf(params.hash).name)),
};
function hmacKey(secret: Bytes, { hash }: Params, extractable: boolean, usages: readonly Usage[]): CryptoKey {
  if (secret.length === 0) throw new DOMException('The key is empty.', 'DataError');
  return makeKey(
    secret,
    'secret',
    extractable,
    { name: 'HMAC', hash: { name: hashOf(hash).name }, length: secret.length * 8 },
    usages,
  );
}

/** Compares in constant time, wherever the inputs differ. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
}

type Cipher = (params: Params, key: Bytes) => { encrypt(data: Bytes): Uint8Array; decrypt(data: Bytes): Uint8Array };

function aes(name: string, cipherOf: Cipher, own: readonly Usage[] = ['encrypt', 'decrypt']): Algorithm {
  const algOf = (bits: number) => `A${bits}${name.slice(4)}`;
  const keyOf = (secret: Bytes, extractable: boolean, usages: readonly Usage[]) => {
    if (![16, 24, 32].includes(secret.length))
      throw new DOMException('An AES key has 128, 192 or 256 bits.', 'DataError');
    return makeKey(secret, 'secret', extractable, { name, length: secret.length * 8 }, usages);
  };
  const run = (operation: 'encrypt' | 'decrypt') => (params: Params, key: CryptoKey, data: Bytes) =>
    attempt(name, () => cipherOf(params, secretOf<Bytes>(key))[operation](data));
  return {
    usages: { secret: [...own, 'wrapKey', 'unwrapKey'] },
    encrypt: run('encrypt'),
    decrypt: run('decrypt'),
    generateKey: ({ length }, extractable, usages) => {
      if (![128, 192, 256].includes(Number(length)))
        throw new DOMException('An AES key has 128, 192 or 256 bits.', 'OperationError');
      return keyOf(randomBytes(Number(length) / 8), extractable, usages);
    },
    importKey: (format, data, _params, extractable, usages) =>
      keyOf(
        readSecret(format, data, (secret) => algOf(secret.length * 8)),
        extractable,
        usages,
      ),
    exportKey: (format, key) => writeSecret(format, key, algOf(Number(key.algorithm.length))),
    keyBits: ({ length }) => Number(length),
  };
}

/** Tags that are cut short: the implementation knows whole ones only. To encrypt again what was encrypted gives back the plain bytes. */
function gcmOf({ iv, additionalData, tagLength = 128 }: Params, key: Bytes): ReturnType<Cipher> {
  if (![32, 64, 96, 104, 112, 120, 128].includes(Number(tagLength)))
    throw new DOMException('An AES-GCM tag has 32, 64, 96, 104, 112, 120 or 128 bits.', 'OperationError');
  const cut = 16 - Number(tagLength) / 8;
  const whole = () => gcm(key, bytesOf(iv), additionalData === undefined ? undefined : bytesOf(additionalData));
  const encrypt = (data: Bytes) => {
    const sealed = whole().encrypt(data);
    return sealed.subarray(0, sealed.length - cut);
  };
  if (cut === 0) return whole();
  const decrypt = (sealed: Bytes) => {
    const count = sealed.length - 16 + cut;
    if (count < 0) throw new Error('the data is shorter than its tag');
    const plain = whole().encrypt(sealed.subarray(0, count)).slice(0, count);
    if (!equal(encrypt(plain), sealed)) throw new Error('the tag is wrong');
    return plain;
  };
  return { encrypt, decrypt };
}

/** Only the last `length` bits count; those before them stay as they are. */
function ctrOf({ counter, length }: Params, key: Bytes): ReturnType<Cipher> {
  const start = bytesOf(counter);
  const bits = Number(length);
  if (start.length !== 16 || !(bits >= 1 && bits <= 128))
    throw new DOMException('AES-CTR takes a counter of 16 bytes, of which 1 to 128 bits count.', 'OperationError');
  const modulus = 1n << BigInt(bits);
  const first = toNumber(start) % modulus;
  const run = (data: Bytes) => {
    const blocks = BigInt(Math.ceil(data.length / 16));
    if (blocks > modulus) throw new DOMException('The data needs more blocks than can be counted.', 'OperationError');
    const beforeWrap = modulus - first;
    if (blocks <= beforeWrap) return ctr(key, start).encrypt(data);
    const at = Number(beforeWrap) * 16;
    const wrapped = toBytes(toNumber(start) - first, 16);
    return concat(ctr(key, start).encrypt(data.subarray(0, at)), ctr(key, wrapped).encrypt(data.subarray(at)));
  };
  return { encrypt: run, decrypt: run };
}

const derived = (name: string, derive: (params: Params, secret: Bytes, bytes: number) => Uint8Array): Algorithm => ({
  usages: { secret: ['deriveKey', 'deriveBits'] },
  importKey: (format, data, _params, _extractable, usages) => {
    if (format !== 'raw') throw new DOMException(`${name} takes raw keys.`, 'NotSupportedError');
    return makeKey(data, 'secret', false, { name }, usages);
  },
  deriveBits: (params, key, bits) => {
    if (bits === null || bits % 8 !== 0) throw new DOMException('The length is not whole bytes.', 'OperationError');
    return derive(params, secretOf<Bytes>(key), bits / 8);
  },
  keyBits: () => null,
});

export const secretAlgorithms: Readonly<Record<string, Algorithm>> = {
  ...Object.fromEntries(Object.entries(hashes).map(([name, hash]) => [name, { digest: (data: Bytes) => hash(data) }])),
  HMAC: hmacAlgorithm,
  'AES-GCM': aes('AES-GCM', gcmOf),
  'AES-CBC': aes('AES-CBC', ({ iv }, key) => cbc(key, bytesOf(iv))),
  'AES-CTR': aes('AES-CTR', ctrOf),
  'AES-KW': aes('AES-KW', (_params, key) => aeskw(key), []),
  PBKDF2: derived('PBKDF2', ({ hash, salt, iterations }, secret, dkLen) =>
    pbkdf2(hashOf(hash).hash, secret, bytesOf(salt), { c: Number(iterations), dkLen }),
  ),
  HKDF: derived('HKDF', ({ hash, salt, info }, secret, length) =>
    hkdf(hashOf(hash).hash, secret, bytesOf(salt), bytesOf(info), length),
  ),
};
