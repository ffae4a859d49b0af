/**
 * The output of a serial console, bounded on disk and in memory: the beginning and the end are kept.
 *
 * A segment file is named by its place in the whole stream, so that the gap between two of them is known exactly, also
 * after a kill.
 */
import { open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { toStoreError } from './store-error.ts';
import { undefinedIfMissing } from './write-atomic.ts';

export interface ConsoleLimits {
  /** The amount kept of the beginning. */
  readonly headBytes: number;
  /** The end is kept in two files of this size at most; the older one is dropped as a whole. */
  readonly tailSegmentBytes: number;
  /** The limit for output that waits for the disk. More is left out, and a line records that. */
  readonly pendingBytes: number;
}

/**
 * 256 MiB on disk, some five million lines: the output of a normal program is complete, and an endless one is bounded.
 * All runs together are bounded by the store.
 */
export const consoleLimits: ConsoleLimits = {
  headBytes: 128 << 20,
  tailSegmentBytes: 64 << 20,
  pendingBytes: 16 << 20,
};

/** Takes console bytes as fast as they come. */
export interface ConsoleLog {
  /** Never blocks and never fails; see `flush` for errors. */
  readonly append: (chunk: Uint8Array) => void;
  /** Resolves when the operating system has all data so far. Errors: DISK_FULL, STORE_UNUSABLE, once. */
  readonly flush: () => Promise<void>;
  /** The kept part of the bytes from `from` to `to`, in pieces, with the place of each. Errors: STORE_UNUSABLE. */
  readonly read: (from: number, to: number) => AsyncGenerator<ConsolePiece>;
}

export interface ConsolePiece {
  /** The place of its first byte in the whole stream. */
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** The size of one chunk of a stream. */
const pieceBytes = 64 * 1024;

const segmentName = /^console-(\d{16})$/;
const nameAt = (offset: number) => `console-${String(offset).padStart(16, '0')}`;

/** A log that begins empty in `dir`, which must exist. */
export function createConsoleLog(dir: string, limits: ConsoleLimits = consoleLimits): ConsoleLog {
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  /** Place in the stream of the next byte to arrive. */
  let arrived = 0;
  /** The current segment: its beginning and its length. */
  let segment = { start: 0, size: 0 };
  const tails: number[] = [];
  let working: Promise<void> | undefined;
  let failure: Error | undefined;

  async function nextSegment(start: number): Promise<void> {
    segment = { start, size: 0 };
    tails.push(start);
    const old = tails.length > 2 ? tails.shift() : undefined;
    if (old !== undefined) await rm(join(dir, nameAt(old)), { force: true });
  }

  async function write(chunk: Uint8Array, at: number): Promise<void> {
    if (at !== segment.start + segment.size) await nextSegment(at);
    for (let done = 0; done < chunk.length; ) {
      const limit = segment.start === 0 ? limits.headBytes : limits.tailSegmentBytes;
      if (segment.size >= limit) await nextSegment(at + done);
      const room = (segment.start === 0 ? limits.headBytes : limits.tailSegmentBytes) - segment.size;
      const part = chunk.subarray(done, done + room);
      const file = await open(join(dir, nameAt(segment.start)), 'a', 0o600);
      try {
        await file.writeFile(part);
      } finally {
        await file.close();
      }
      segment.size += part.length;
      done += part.length;
    }
  }

  async function drain(): Promise<void> {
    while (pending.length > 0) {
      const chunk = pending.length === 1 && pending[0] !== undefined ? pending[0] : Buffer.concat(pending);
      const at = arrived - pendingBytes;
      pending = [];
      pendingBytes = 0;
      try {
        await write(chunk, at);
      } catch (thrown) {
        failure ??= toStoreError(thrown, 'record the console in', dir);
      }
    }
    working = undefined;
  }

  return {
    append: (chunk) => {
      // The caller may reuse its buffer.
      pending.push(new Uint8Array(chunk));
      pendingBytes += chunk.length;
      arrived += chunk.length;
      while (pendingBytes > limits.pendingBytes && pending.length > 1) pendingBytes -= pending.shift()?.length ?? 0;
      working ??= drain();
    },
    flush: async () => {
      while (working !== undefined) await working;
      const thrown = failure;
      failure = undefined;
      if (thrown !== undefined) throw thrown;
    },
    read: async function* (from, to) {
      // One round writes all that has arrived by now.
      await working;
      for await (const { at, bytes } of readPieces(dir, from)) {
        if (at >= to) return;
        yield { at, bytes: bytes.subarray(0, to - at) };
      }
    },
  };
}

/** The pieces of a console log from a place in the stream on. */
async function* readPieces(dir: string, from = 0): AsyncGenerator<ConsolePiece> {
  const names = (await readdir(dir).catch(undefinedIfMissing)) ?? [];
  const starts = names.flatMap((name) => segmentName.exec(name)?.[1] ?? []).sort();
  for (const [index, start] of starts.entries()) {
    const next = starts[index + 1];
    if (next !== undefined && Number(next) <= from) continue;
    const file = await open(join(dir, nameAt(Number(start))), 'r').catch(undefinedIfMissing);
    // The writer may have dropped it since the folder was read.
    if (file === undefined) continue;
    try {
      for (let at = Math.max(from, Number(start)); ; ) {
        const { buffer, bytesRead } = await file.read(Buffer.alloc(pieceBytes), 0, pieceBytes, at - Number(start));
        if (bytesRead === 0) break;
        yield { at, bytes: buffer.subarray(0, bytesRead) };
        at += bytesRead;
      }
    } finally {
      await file.close();
    }
  }
}

/** The content of a console log piece by piece, with a line in place of each gap. */
export async function* readConsoleLog(dir: string): AsyncGenerator<Uint8Array> {
  let expected = 0;
  for await (const { at, bytes } of readPieces(dir)) {
    const missing = at - expected;
    if (missing > 0) yield Buffer.from(`\r\n[firstlight: ${missing} bytes of console output not kept]\r\n`);
    yield bytes;
    expected = at + bytes.length;
  }
}
