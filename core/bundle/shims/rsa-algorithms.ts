/** RSA: signatures by PKCS #1 and PSS, encryption by OAEP. */
import { mgf1, OAEP, PKCS1_SHA1, PKCS1_SHA256, PKCS1_SHA384, PKCS1_SHA512, PSS } from 'micro-rsa-dsa-dh/rsa.js';
import {
  integer,
  oid,
  oids,
  readDer,
  readPkcs8,
  readSpki,
  tags,
  toBytes,
  toNumber,
  writeDer,
  writePkcs8,
  writeSpki,
} from './der.ts';
import { hashOf } from './secret-algorithms.ts';
import {
  type Algorithm,
  attempt,
  type Bytes,
  bytesOf,
  type CryptoKey,
  fromBase64Url,
  type Jwk,
  makeKey,
  type Params,
  secretOf,
  toBase64Url,
} from './subtle.ts';

/** The numbers of a key by their names in a JWK. */
type Numbers = Readonly<Record<string, bigint>>;
const publicNames = ['n', 'e'];
const privateNames = ['n', 'e', 'd', 'p', 'q', 'dp', 'dq', 'qi'];
const signers = { 'SHA-1': PKCS1_SHA1, 'SHA-256': PKCS1_SHA256, 'SHA-384': PKCS1_SHA384, 'SHA-512': PKCS1_SHA512 };
const jwkNames: Readonly<Record<string, string>> = {
  'RSASSA-PKCS1-v1_5': 'RS',
  'RSA-PSS': 'PS',
  'RSA-OAEP': 'RSA-OAEP-',
};

const publicOf = (key: CryptoKey) => {
  const { n = 0n, e = 0n } = secretOf<Numbers>(key);
  return { n, e };
};
const privateOf = (key: CryptoKey) => {
  const { n = 0n, d = 0n } = secretOf<Numbers>(key);
  return { n, d };
};

function importKey(
  format: string,
  data: Bytes | Jwk,
  params: Params,
  extractable: boolean,
  usages: Parameters<typeof makeKey>[4],
): CryptoKey {
  const numbers = readNumbers(format, data);
  const length = (numbers.n ?? 0n).toString(2).length;
  const algorithm = {
    name: params.name,
    modulusLength: length,
    publicExponent: toBytes(numbers.e ?? 0n),
    hash: { name: hashOf(params.hash).name },
  };
  return makeKey(numbers, numbers.d === undefined ? 'public' : 'private', extractable, algorithm, usages);
}

function readNumbers(format: string, data: Bytes | Jwk): Numbers {
  if (format === 'jwk') {
    const jwk = data as Jwk;
    if (jwk.kty !== 'RSA') throw new DOMException('The JWK is not of kty RSA.', 'DataError');
    return Object.fromEntries(
      (jwk.d === undefined ? publicNames : privateNames).flatMap((name) =>
        jwk[name] === undefined ? [] : [[name, toNumber(fromBase64Url(jwk[name]))]],
      ),
    );
  }
  const isPublic = format === 'spki';
  if (!isPublic && format !== 'pkcs8')
    throw new DOMException(`An RSA key is not imported as ${format}.`, 'NotSupportedError');
  const { algorithm, key } = (isPublic ? readSpki : readPkcs8)(data as Bytes);
  if (algorithm[0] !== oids.rsa) throw new DOMException('The key is not an RSA key.', 'DataError');
  const values = readDer(readDer(key)[0]?.content ?? new Uint8Array()).map(({ content }) => toNumber(content));
  const named = isPublic ? values : values.slice(1);
  return Object.fromEntries((isPublic ? publicNames : privateNames).map((name, at) => [name, named[at] ?? 0n]));
}

function exportKey(format: string, key: CryptoKey): Uint8Array | Jwk {
  const numbers = secretOf<Numbers>(key);
  const isPublic = key.type === 'public';
  const names = isPublic ? publicNames : privateNames;
  if (format === 'jwk') {
    const bits = hashOf(key.algorithm.hash).name.slice(4);
    const parts = names.flatMap((name) =>
      numbers[name] === undefined ? [] : [[name, toBase64Url(toBytes(numbers[name]))]],
    );
    return {
      kty: 'RSA',
      ...Object.fromEntries(parts),
      alg: `${jwkNames[key.algorithm.name]}${bits}`.replace('OAEP-1', 'OAEP'),
      ext: true,
      key_ops: [...key.usages],
    };
  }
  const all = names.map((name) => integer(numbers[name] ?? 0n));
  const algorithm = [oid('rsa'), writeDer(tags.null)];
  if (format === 'spki' && isPublic) return writeSpki(algorithm, writeDer(tags.sequence, ...all));
  if (format === 'pkcs8' && !isPublic) return writePkcs8(algorithm, writeDer(tags.sequence, integer(0n), ...all));
  throw new DOMException(`A ${key.type} RSA key is not exported as ${format}.`, 'InvalidAccessError');
}

const generateKey = (): never => {
  throw new DOMException(
    'Making an RSA key takes minutes in an interpreter. Make it with openssl and import it.',
    'NotSupportedError',
  );
};
const pss = (params: Params, key: CryptoKey) => {
  const { hash } = hashOf(key.algorithm.hash);
  return PSS(hash, mgf1(hash), Number(params.saltLength ?? hash.outputLen));
};
const oaep = (params: Params, key: CryptoKey) => {
  const { hash } = hashOf(key.algorithm.hash);
  return OAEP(hash, mgf1(hash), params.label === undefined ? undefined : bytesOf(params.label));
};
const pkcs1 = (key: CryptoKey) => signers[hashOf(key.algorithm.hash).name];

/** A malformed signature is invalid, not an error. */
function holds(check: () => boolean): boolean {
  try {
    return check();
  } catch {
    return false;
  }
}

export const rsaAlgorithms: Readonly<Record<string, Algorithm>> = {
  'RSASSA-PKCS1-v1_5': {
    usages: { private: ['sign'], public: ['verify'] },
    hasHash: true,
    importKey,
    exportKey,
    generateKey,
    sign: (_params, key, data) => pkcs1(key).sign(privateOf(key), data),
    verify: (_params, key, signature, data) => holds(() => pkcs1(key).verify(publicOf(key), data, signature)),
  },
  'RSA-PSS': {
    usages: { private: ['sign'], public: ['verify'] },
    hasHash: true,
    importKey,
    exportKey,
    generateKey,
    sign: (params, key, data) => pss(params, key).sign(privateOf(key), data),
    verify: (params, key, signature, data) => holds(() => pss(params, key).verify(publicOf(key), data, signature)),
  },
  'RSA-OAEP': {
    usages: { private: ['decrypt', 'unwrapKey'], public: ['encrypt', 'wrapKey'] },
    hasHash: true,
    importKey,
    exportKey,
    generateKey,
    encrypt: (params, key, data) => attempt('RSA-OAEP', () => oaep(params, key).encrypt(publicOf(key), data)),
    decrypt: (params, key, data) => attempt('RSA-OAEP', () => oaep(params, key).decrypt(privateOf(key), data)),
  },
};
