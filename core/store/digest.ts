import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { toFileError } from './store-error.ts';

/** Larger files are read piece by piece: what goes into an image may not fit into memory. */
const pieceBytes = 1024 * 1024;

/** The sha256 of data, in hex. */
export const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');

/** The sha256 of a file's content, in hex, and its length. Units: bytes. Errors: as Node.js gives them. */
export async function digestFile(path: string): Promise<{ sha256: string; bytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const piece of createReadStream(path, { highWaterMark: pieceBytes }) as AsyncIterable<Buffer>) {
    hash.update(piece);
    bytes += piece.length;
  }
  return { sha256: hash.digest('hex'), bytes };
}

/** The digest of a person's own file, as OCI writes it: `sha256:` and hex. Errors: STORE_UNUSABLE when it cannot be read. */
export async function digestOfFile(path: string): Promise<string> {
  try {
    return `sha256:${(await digestFile(path)).sha256}`;
  } catch (thrown) {
    throw toFileError(thrown, 'read', path);
  }
}
