/** The part of ASN.1's DER that keys need: integers, octet and bit strings, sequences, object identifiers. */

export interface Der {
  readonly tag: number;
  readonly content: Uint8Array;
}

export const tags = { integer: 2, bits: 3, octets: 4, null: 5, oid: 6, sequence: 0x30 } as const;

/** The values that follow one another in some bytes. Errors: DOMException DataError. */
export function readDer(bytes: Uint8Array): Der[] {
  const values: Der[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at++] ?? 0;
    let length = bytes[at++] ?? 0;
    if (length > 0x80) {
      let count = length & 0x7f;
      for (length = 0; count > 0; count--) length = length * 256 + (bytes[at++] ?? 0);
    }
    if (at + length > bytes.length) throw new DOMException('The key is not valid DER.', 'DataError');
    values.push({ tag, content: bytes.subarray(at, at + length) });
    at += length;
  }
  return values;
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

export function writeDer(tag: number, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const content = concat(...parts);
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return concat(new Uint8Array([tag, ...size]), content);
}

export const integer = (value: bigint): Uint8Array => {
  const bytes = toBytes(value);
  return writeDer(tags.integer, (bytes[0] ?? 0) >= 128 ? concat(new Uint8Array(1), bytes) : bytes);
};

/** Big-endian bytes of a number, at least `length` of them. */
export function toBytes(value: bigint, length = 1): Uint8Array<ArrayBuffer> {
  const hex = value.toString(16);
  const digits = hex.padStart(Math.max(length * 2, hex.length + (hex.length % 2)), '0');
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

export const toNumber = (bytes: Uint8Array): bigint =>
  BigInt(`0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('') || '0'}`);

/** Object identifiers by their bytes in hex. */
export const oids = {
  rsa: '2a864886f70d010101',
  ec: '2a8648ce3d0201',
  'P-256': '2a8648ce3d030107',
  'P-384': '2b81040022',
  'P-521': '2b81040023',
  Ed25519: '2b6570',
  X25519: '2b656e',
} as const;

export const hexOf = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
export const oid = (name: keyof typeof oids): Uint8Array => {
  const bytes = Uint8Array.from(oids[name].match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  return writeDer(tags.oid, bytes);
};

interface Wrapped {
  /** The object identifiers of the algorithm, in hex. */
  readonly algorithm: readonly string[];
  readonly key: Uint8Array;
}

/** The key in a SubjectPublicKeyInfo. Errors: DOMException DataError. */
export function readSpki(bytes: Uint8Array): Wrapped {
  const [algorithm, key] = readDer(readDer(bytes)[0]?.content ?? new Uint8Array());
  if (algorithm === undefined || key?.tag !== tags.bits) throw new DOMException('The key is not SPKI.', 'DataError');
  return { algorithm: algorithmOf(algorithm), key: key.content.subarray(1) };
}

/** The key in a PrivateKeyInfo. Errors: DOMException DataError. */
export function readPkcs8(bytes: Uint8Array): Wrapped {
  const [, algorithm, key] = readDer(readDer(bytes)[0]?.content ?? new Uint8Array());
  if (algorithm === undefined || key?.tag !== tags.octets)
    throw new DOMException('The key is not PKCS #8.', 'DataError');
  return { algorithm: algorithmOf(algorithm), key: key.content };
}

const algorithmOf = ({ content }: Der) =>
  readDer(content)
    .filter(({ tag }) => tag === tags.oid)
    .map(({ content }) => hexOf(content));

export function writeSpki(algorithm: readonly Uint8Array[], key: Uint8Array): Uint8Array<ArrayBuffer> {
  return writeDer(tags.sequence, writeDer(tags.sequence, ...algorithm), writeDer(tags.bits, new Uint8Array(1), key));
}
export function writePkcs8(algorithm: readonly Uint8Array[], key: Uint8Array): Uint8Array<ArrayBuffer> {
  return writeDer(tags.sequence, integer(0n), writeDer(tags.sequence, ...algorithm), writeDer(tags.octets, key));
}
