/**
 * The digests of a server for its files. They reveal a broken transfer, not a dishonest server: TLS protects against
 * that.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** Shape: `hex` in lower case; `from` is the place where it was found. */
export interface ServerDigest {
  readonly algorithm: 'md5' | 'crc32c';
  readonly hex: string;
  readonly from: string;
}

const digestBytes = { md5: 16, crc32c: 4 } as const;

/**
 * The strongest digest of the header `x-goog-hash`; null when it has none.
 *
 * Source: Cloud Storage, "x-goog-hash": `crc32c=` and `md5=`, each in base64, in one header or several.
 */
export function parseGoogHash(header: string | null): ServerDigest | null {
  for (const algorithm of ['md5', 'crc32c'] as const) {
    const text = new RegExp(`(?:^|,)\\s*${algorithm}=([A-Za-z0-9+/]+={0,2})`).exec(header ?? '')?.[1];
    const bytes = text === undefined ? null : Buffer.from(text, 'base64');
    if (bytes?.length === digestBytes[algorithm]) return { algorithm, hex: bytes.toString('hex'), from: 'x-goog-hash' };
  }
  return null;
}

/** The digest in a file beside the archive; null when the file has none. */
export function parseMd5File(text: string | null): ServerDigest | null {
  const hex = /^([0-9a-f]{32})\b/i.exec(text ?? '')?.[1];
  return hex === undefined ? null : { algorithm: 'md5', hex: hex.toLowerCase(), from: 'the .md5 file' };
}

/** The digest of a file, in hex. */
export async function digestFile(path: string, algorithm: ServerDigest['algorithm']): Promise<string> {
  const stream = createReadStream(path);
  if (algorithm === 'md5') {
    const hash = createHash('md5');
    for await (const chunk of stream) hash.update(chunk);
    return hash.digest('hex');
  }
  let crc = 0;
  for await (const chunk of stream) crc = crc32c(chunk, crc);
  return crc.toString(16).padStart(8, '0');
}

/** Castagnoli's polynomial, bits reversed. */
const polynomial = 0x82f63b78;
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? polynomial : 0);
  return value;
});

/** CRC-32C of `bytes`, continued from the CRC of the preceding bytes. */
export function crc32c(bytes: Uint8Array, before = 0): number {
  let crc = ~before;
  for (const byte of bytes) crc = (crc >>> 8) ^ (table[(crc ^ byte) & 0xff] ?? 0);
  return ~crc >>> 0;
}
