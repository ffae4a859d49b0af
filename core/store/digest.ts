import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { toFileError } from './store-error.ts';

/** Larger files are read piece by piece: an input of an image may not fit into memory. */
const pieceBytes = 1024 * 1024;
const minPieceBytes = 512;

/** The sha256 of data, in hex. */
export const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');

/** The sha256 of a file's content, in hex, and its length. Units: bytes. Errors: those of Node.js. */
export async function digestFile(path: string): Promise<{ sha256: string; bytes: number }> {
  const hash = createHash('sha256');
  const file = await open(path, 'r');
  try {
    // One buffer, of a small file's own size: buffers that are larger than needed make the collector run at each build.
    const { size } = await file.stat();
    const piece = Buffer.allocUnsafe(Math.min(pieceBytes, Math.max(size, minPieceBytes)));
    for (let bytes = 0; ; ) {
      const { bytesRead } = await file.read(piece, 0, piece.length, null);
      if (bytesRead === 0) return { sha256: hash.digest('hex'), bytes };
      hash.update(piece.subarray(0, bytesRead));
      bytes += bytesRead;
    }
  } finally {
    await file.close();
  }
}

/** The digest of a person's own file, as OCI writes it: `sha256:` and hex. Errors: STORE_UNUSABLE when it cannot be read. */
export async function digestOfFile(path: string): Promise<string> {
  try {
    return `sha256:${(await digestFile(path)).sha256}`;
  } catch (thrown) {
    throw toFileError(thrown, 'read', path);
  }
}
