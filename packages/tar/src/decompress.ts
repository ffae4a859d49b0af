/** Unpacks gzip and Zstandard streams, and stops those that exceed the limits. */
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Decompress } from 'fzstd';
import { invalidArchive, toArchiveError } from './tar-error.ts';
import type { TarLimits } from './tar-limits.ts';
import { followFrames } from './zstd-frames.ts';

export type Bytes = AsyncIterable<Uint8Array>;
export type Compression = 'gzip' | 'zstd' | 'none';

const magicLength = 4;
/** The memory limit of an archive: four times the need of `zstd` and image builders without `--ultra` and `--long`. */
const maxZstdWindow = 32 * 1024 ** 2;
/** A block of four bytes can unpack to 128 KiB: the size of the input pieces limits the size of the output. */
const zstdPushBytes = 256;

/** The compression of a stream. Shape: `head` has its first four bytes or more, unless the stream is shorter. */
export function compressionOf(head: Uint8Array): Compression {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  if (head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd) return 'zstd';
  // A skippable frame, which some tools write first.
  if (head[0] !== undefined && (head[0] & 0xf0) === 0x50 && head[1] === 0x2a && head[2] === 0x4d && head[3] === 0x18) {
    return 'zstd';
  }
  return 'none';
}

/**
 * The unpacked bytes; bytes that are not packed pass unchanged.
 *
 * Errors: `invalid` for broken or hostile data. `archive` is its name for a person.
 */
export async function* decompress(packed: Bytes, archive: string, limits: TarLimits): AsyncGenerator<Uint8Array> {
  const { head, all } = await peek(packed, magicLength);
  const compression = compressionOf(head);
  const count = { packed: 0, unpacked: 0 };
  const counted = countPacked(all, count);
  const check = (bytes: number) => {
    count.unpacked += bytes;
    if (count.unpacked > limits.maxBytes)
      throw invalidArchive(archive, `it unpacks to more than ${limits.maxBytes} bytes.`);
    if (count.unpacked > limits.ratioFromBytes && count.unpacked > count.packed * limits.maxRatio) {
      throw invalidArchive(archive, `it unpacks to more than ${limits.maxRatio} times its size.`);
    }
  };
  try {
    if (compression === 'gzip') yield* gunzip(counted, check);
    else if (compression === 'zstd') yield* unzstd(counted, check, archive);
    else yield* passThrough(counted, limits, archive);
  } catch (thrown) {
    throw toArchiveError(thrown, archive);
  }
}

async function* countPacked(chunks: Bytes, count: { packed: number }): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    count.packed += chunk.length;
    yield chunk;
  }
}

async function* passThrough(chunks: Bytes, limits: TarLimits, archive: string): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > limits.maxBytes) throw invalidArchive(archive, `it is larger than ${limits.maxBytes} bytes.`);
    yield chunk;
  }
}

async function* gunzip(chunks: Bytes, check: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  const source = Readable.from(chunks, { objectMode: false });
  const unzip = createGunzip({ chunkSize: 128 * 1024 });
  source.once('error', (error) => unzip.destroy(error));
  source.pipe(unzip);
  try {
    for await (const chunk of unzip) {
      check(chunk.length);
      yield chunk;
    }
  } finally {
    source.destroy();
    unzip.destroy();
  }
}

async function* unzstd(chunks: Bytes, check: (bytes: number) => void, archive: string): AsyncGenerator<Uint8Array> {
  let ready: Uint8Array[] = [];
  const stream = new Decompress((chunk) => {
    check(chunk.length);
    // The stream continues to write into this memory.
    ready.push(chunk.slice());
  });
  const follow = followFrames((bytes) => {
    if (bytes > maxZstdWindow)
      throw invalidArchive(archive, 'its Zstandard frames need more than 32 MiB of memory to be unpacked.');
  });
  for await (const chunk of chunks) {
    follow(chunk);
    for (let at = 0; at < chunk.length; at += zstdPushBytes) {
      stream.push(chunk.subarray(at, at + zstdPushBytes));
      const out = ready;
      ready = [];
      yield* out;
    }
  }
  stream.push(new Uint8Array(0), true);
  yield* ready;
}

/** The first bytes of a stream, at least `length` if it is that long, and the whole stream with them. */
export async function peek(chunks: Bytes, length: number): Promise<{ head: Uint8Array; all: Bytes }> {
  const iterator = chunks[Symbol.asyncIterator]();
  const first: Uint8Array[] = [];
  let bytes = 0;
  while (bytes < length) {
    const { value, done } = await iterator.next();
    if (done) break;
    first.push(value);
    bytes += value.length;
  }
  async function* whole(): AsyncGenerator<Uint8Array> {
    try {
      yield* first;
      while (true) {
        const { value, done } = await iterator.next();
        if (done) return;
        yield value;
      }
    } finally {
      await iterator.return?.();
    }
  }
  return { head: Buffer.concat(first), all: whole() };
}
