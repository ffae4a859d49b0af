/** Elliptic curves: ECDSA and ECDH over the NIST curves, Ed25519 and X25519. */
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import {
  concat,
  integer,
  oid,
  oids,
  readDer,
  readPkcs8,
  readSpki,
  tags,
  writeDer,
  writePkcs8,
  writeSpki,
} from './der.ts';
import { equal, hashOf, randomBytes } from './secret-algorithms.ts';
import {
  type Algorithm,
  attempt,
  type Bytes,
  CryptoKey,
  fromBase64Url,
  type Jwk,
  makeKey,
  type Params,
  secretOf,
  toBase64Url,
  type Usage,
} from './subtle.ts';

type CurveName = 'P-256' | 'P-384' | 'P-521';
const curves = { 'P-256': p256, 'P-384': p384, 'P-521': p521 } as const;

/** Shape: `public` is a point, uncompressed, or for the newer curves its 32 bytes. */
interface Pair {
  readonly public: Uint8Array;
  readonly secret?: Uint8Array;
}
const secretPart = (key: CryptoKey): Uint8Array => {
  const { secret } = secretOf<Pair>(key);
  if (secret === undefined) throw new DOMException('The key is not private.', 'InvalidAccessError');
  return secret;
};

function curveOf(name: unknown) {
  const curve = curves[name as CurveName];
  if (curve === undefined) throw new DOMException(`There is no curve ${name} here.`, 'NotSupportedError');
  return { curve, name: name as CurveName, bytes: name === 'P-521' ? 66 : Number(String(name).slice(2)) / 8 };
}

const toSign: Algorithm['usages'] = { private: ['sign'], public: ['verify'] };
const toDerive: Algorithm['usages'] = { private: ['deriveKey', 'deriveBits'], public: [] };

const pairOf = (make: (pair: Pair, type: 'public' | 'private') => CryptoKey, pair: Pair) => ({
  publicKey: make({ public: pair.public }, 'public'),
  privateKey: make(pair, 'private'),
});
const ofPublic: readonly Usage[] = ['verify', 'encrypt', 'wrapKey'];
const usagesFor = (type: 'public' | 'private', usages: readonly Usage[]) =>
  usages.filter((usage) => ofPublic.includes(usage) === (type === 'public'));

function nistKeys(name: 'ECDSA' | 'ECDH'): Pick<Algorithm, 'generateKey' | 'importKey' | 'exportKey'> {
  const keyOf = (pair: Pair, curve: CurveName, extractable: boolean, usages: readonly Usage[]) =>
    makeKey(pair, pair.secret === undefined ? 'public' : 'private', extractable, { name, namedCurve: curve }, usages);
  return {
    generateKey: ({ namedCurve }, extractable, usages) => {
      const { curve, name: curveName } = curveOf(namedCurve);
      const secret = curve.utils.randomSecretKey();
      const pair = { secret, public: curve.getPublicKey(secret, false) };
      return pairOf(
        (part, type) => keyOf(part, curveName, type === 'public' || extractable, usagesFor(type, usages)),
        pair,
      );
    },
    importKey: (format, data, { namedCurve }, extractable, usages) => {
      const { curve, name: curveName } = curveOf(namedCurve);
      try {
        return keyOf(readNist(format, data, curveName), curveName, extractable, usages);
      } catch (thrown) {
        if (thrown instanceof DOMException) throw thrown;
        throw new DOMException(`The key is not a point of ${curveName}.`, 'DataError');
      } finally {
        void curve;
      }
    },
    exportKey: (format, key) => writeNist(format, key),
  };
}

/** The public part that a key brings along, which must be that of its secret. Errors: DOMException DataError. */
function checkPair(brought: Uint8Array, own: Uint8Array): Uint8Array {
  if (!equal(brought, own)) throw new DOMException('The two parts of the key do not belong together.', 'DataError');
  return own;
}

function readNist(format: string, data: Bytes | Jwk, curveName: CurveName): Pair {
  const { curve } = curveOf(curveName);
  const whole = (point: Uint8Array): Uint8Array => curve.Point.fromBytes(point).toBytes(false);
  if (format === 'jwk') {
    const { kty, crv, x, y, d } = data as Jwk;
    if (kty !== 'EC' || crv !== curveName)
      throw new DOMException(`The JWK is not of kty EC and crv ${curveName}.`, 'DataError');
    const point = whole(concat(new Uint8Array([4]), fromBase64Url(x), fromBase64Url(y)));
    if (d === undefined) return { public: point };
    const secret = fromBase64Url(d);
    return { public: checkPair(point, curve.getPublicKey(secret, false)), secret };
  }
  if (format === 'raw') return { public: whole(data as Bytes) };
  const { algorithm, key } = (format === 'spki' ? readSpki : readPkcs8)(data as Bytes);
  if (algorithm[0] !== oids.ec || algorithm[1] !== oids[curveName])
    throw new DOMException(`The key is not of ${curveName}.`, 'DataError');
  if (format === 'spki') return { public: whole(key) };
  const secret = readDer(readDer(key)[0]?.content ?? new Uint8Array())[1]?.content ?? new Uint8Array();
  return { secret, public: curve.getPublicKey(secret, false) };
}

function writeNist(format: string, key: CryptoKey): Uint8Array | Jwk {
  const { name, bytes } = curveOf(key.algorithm.namedCurve);
  const pair = secretOf<Pair>(key);
  if (format === 'raw' && key.type === 'public') return pair.public;
  if (format === 'jwk') {
    const [x, y] = [pair.public.subarray(1, 1 + bytes), pair.public.subarray(1 + bytes)];
    const d = pair.secret === undefined ? {} : { d: toBase64Url(pair.secret) };
    return { kty: 'EC', crv: name, x: toBase64Url(x), y: toBase64Url(y), ...d, ext: true, key_ops: [...key.usages] };
  }
  const algorithm = [oid('ec'), oid(name)];
  if (format === 'spki' && key.type === 'public') return writeSpki(algorithm, pair.public);
  if (format === 'pkcs8' && pair.secret !== undefined) {
    const point = writeDer(0xa1, writeDer(tags.bits, new Uint8Array(1), pair.public));
    return writePkcs8(algorithm, writeDer(tags.sequence, integer(1n), writeDer(tags.octets, pair.secret), point));
  }
  throw new DOMException(`A ${key.type} key is not exported as ${format}.`, 'InvalidAccessError');
}

function cut(shared: Uint8Array, bits: number | null): Uint8Array {
  if (bits === null) return shared;
  if (bits > shared.length * 8) throw new DOMException('That many bits are not shared.', 'OperationError');
  return shared.slice(0, Math.ceil(bits / 8));
}
/** The point of the other side. Errors: TypeError; DOMException InvalidAccessError. */
function otherOf({ public: other }: Params, own: CryptoKey): Uint8Array {
  if (!(other instanceof CryptoKey)) throw new TypeError('The other side has no CryptoKey in public.');
  const { name, namedCurve } = other.algorithm;
  if (other.type !== 'public' || name !== own.algorithm.name || namedCurve !== own.algorithm.namedCurve)
    throw new DOMException(
      `The key in public is no public key of ${own.algorithm.name}, or of another curve.`,
      'InvalidAccessError',
    );
  return secretOf<Pair>(other).public;
}

function newerKeys(name: 'Ed25519' | 'X25519'): Pick<Algorithm, 'generateKey' | 'importKey' | 'exportKey'> {
  const curve = name === 'Ed25519' ? ed25519 : x25519;
  const keyOf = (pair: Pair, extractable: boolean, usages: readonly Usage[]) =>
    makeKey(pair, pair.secret === undefined ? 'public' : 'private', extractable, { name }, usages);
  return {
    generateKey: (_params, extractable, usages) => {
      const secret = randomBytes(32);
      return pairOf((part, type) => keyOf(part, type === 'public' || extractable, usagesFor(type, usages)), {
        secret,
        public: curve.getPublicKey(secret),
      });
    },
    importKey: (format, data, _params, extractable, usages) => {
      const whole = (part: Uint8Array | undefined): Uint8Array => {
        if (part?.length !== 32) throw new DOMException(`A key of ${name} has 32 bytes.`, 'DataError');
        return part;
      };
      const withPublic = (secret: Uint8Array) =>
        keyOf({ secret, public: curve.getPublicKey(secret) }, extractable, usages);
      if (format === 'raw') return keyOf({ public: whole(data as Bytes) }, extractable, usages);
      if (format === 'jwk') {
        const { kty, crv, x, d } = data as Jwk;
        if (kty !== 'OKP' || crv !== name)
          throw new DOMException(`The JWK is not of kty OKP and crv ${name}.`, 'DataError');
        const point = whole(fromBase64Url(x));
        if (d === undefined) return keyOf({ public: point }, extractable, usages);
        const secret = whole(fromBase64Url(d));
        return keyOf({ secret, public: checkPair(point, curve.getPublicKey(secret)) }, extractable, usages);
      }
      const { algorithm, key } = (format === 'spki' ? readSpki : readPkcs8)(data as Bytes);
      if (algorithm[0] !== oids[name]) throw new DOMException(`The key is not of ${name}.`, 'DataError');
      return format === 'spki'
        ? keyOf({ public: whole(key) }, extractable, usages)
        : withPublic(whole(readDer(key)[0]?.content));
    },
    exportKey: (format, key) => {
      const pair = secretOf<Pair>(key);
      const d = pair.secret === undefined ? {} : { d: toBase64Url(pair.secret) };
      if (format === 'jwk')
        return { kty: 'OKP', crv: name, x: toBase64Url(pair.public), ...d, ext: true, key_ops: [...key.usages] };
      if (format === 'raw' && key.type === 'public') return pair.public;
      if (format === 'spki' && key.type === 'public') return writeSpki([oid(name)], pair.public);
      if (format === 'pkcs8' && pair.secret !== undefined)
        return writePkcs8([oid(name)], writeDer(tags.octets, pair.secret));
      throw new DOMException(`A ${key.type} key is not exported as ${format}.`, 'InvalidAccessError');
    },
  };
}

/** A malformed signature is invalid, not an error. */
function holds(check: () => boolean): boolean {
  try {
    return check();
  } catch {
    return false;
  }
}

export const curveAlgorithms: Readonly<Record<string, Algorithm>> = {
  ECDSA: {
    usages: toSign,
    ...nistKeys('ECDSA'),
    sign: (params, key, data) => {
      const { curve } = curveOf(key.algorithm.namedCurve);
      return curve.sign(hashOf(params.hash).hash(data), secretPart(key), { prehash: false, lowS: false });
    },
    verify: (params, key, signature, data) => {
      const { curve } = curveOf(key.algorithm.namedCurve);
      const options = { prehash: false, lowS: false };
      const digest = hashOf(params.hash).hash(data);
      return holds(() => curve.verify(signature, digest, secretOf<Pair>(key).public, options));
    },
  },
  ECDH: {
    usages: toDerive,
    ...nistKeys('ECDH'),
    deriveBits: (params, key, bits) => {
      const { curve } = curveOf(key.algorithm.namedCurve);
      const other = otherOf(params, key);
      return cut(
        attempt('ECDH', () => curve.getSharedSecret(secretPart(key), other).subarray(1)),
        bits,
      );
    },
  },
  Ed25519: {
    usages: toSign,
    ...newerKeys('Ed25519'),
    sign: (_params, key, data) => ed25519.sign(data, secretPart(key)),
    verify: (_params, key, signature, data) => holds(() => ed25519.verify(signature, data, secretOf<Pair>(key).public)),
  },
  X25519: {
    usages: toDerive,
    ...newerKeys('X25519'),
    deriveBits: (params, key, bits) => {
      const other = otherOf(params, key);
      return cut(
        attempt('X25519', () => x25519.getSharedSecret(secretPart(key), other)),
        bits,
      );
    },
  },
};
