import type { ByteSource } from './byte-source.ts';
import { elfInvalid } from './read-header.ts';

/** The bytes of a table that must be complete. Errors: `invalid` with the name `what`. */
export async function readExactly(source: ByteSource, at: bigint, length: number, what: string): Promise<Buffer> {
  checkRange(source, at, BigInt(length), what);
  const bytes = await source.read(Number(at), length);
  // The file may have become shorter since it was opened.
  if (bytes.length < length) throw elfInvalid(source, `${what} ends early`);
  return bytes;
}

/** Checks a range. Errors: `invalid` when the range exceeds the file. */
export function checkRange(source: ByteSource, at: bigint, length: bigint, what: string): void {
  if (at + length <= BigInt(source.bytes)) return;
  const where = `offset 0x${at.toString(16)}, ${length} bytes`;
  throw elfInvalid(source, `${what} (${where}) lies past the end of the file, which has ${source.bytes} bytes`);
}
