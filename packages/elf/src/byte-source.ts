import { openFile } from '@firstlight/files';

/** Bytes with random access. Units: `bytes` is the whole length. */
export interface ByteSource {
  /** The name for a person: a path. */
  readonly name: string;
  readonly bytes: number;
  /** The bytes at `offset`; fewer than `length` at the end, none past it. */
  readonly read: (offset: number, length: number) => Promise<Buffer>;
}

/** Bytes in memory as a source. */
export function sourceOfBytes(name: string, data: Uint8Array): ByteSource {
  const buffer = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return { name, bytes: buffer.length, read: async (offset, length) => buffer.subarray(offset, offset + length) };
}

/**
 * The result of `use`, which gets the open file. `shownAs` is the name in the errors of `use`.
 *
 * Errors: as `openFile`; as `use`.
 */
export async function withFileSource<Result>(
  path: string,
  use: (source: ByteSource) => Promise<Result>,
  shownAs = path,
): Promise<Result> {
  const file = await openFile(path);
  const read = async (offset: number, length: number): Promise<Buffer> => {
    const there = Math.max(0, Math.min(length, file.bytes - offset));
    const bytes = await file.read(offset, there);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
  try {
    return await use({ name: shownAs, bytes: file.bytes, read });
  } finally {
    await file.close();
  }
}
