import { createHash } from 'node:crypto';
import type { Bytes } from '@firstlight/tar';
import { OciError } from './oci-error.ts';

export const digestOf = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** A stream of bytes with a check at its end. */
export interface Verifier {
  readonly chunks: Bytes;
  /** Reads the rest. Errors: `digest-mismatch` when the bytes or their number differ from the description. */
  readonly finish: () => Promise<void>;
  /** Ends reading without the rest. */
  readonly close: () => Promise<void>;
}

/** Checks bytes as a stream. Shape: `size` null where it is unknown; `what` names them for a person. */
export function verifyStream(source: Bytes, digest: string, size: number | null, what: string): Verifier {
  const iterator = source[Symbol.asyncIterator]();
  const hash = createHash('sha256');
  let bytes = 0;
  let ended = false;

  async function next(): Promise<Uint8Array | undefined> {
    if (ended) return undefined;
    const { value, done } = await iterator.next();
    if (done) {
      ended = true;
      return undefined;
    }
    bytes += value.length;
    if (size !== null && bytes > size)
      throw wrongDigest(what, `it has more than the ${size} bytes that its manifest says`);
    hash.update(value);
    return value;
  }

  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let chunk = await next(); chunk !== undefined; chunk = await next()) yield chunk;
  }

  return {
    chunks: chunks(),
    finish: async () => {
      while ((await next()) !== undefined);
      if (size !== null && bytes !== size) throw wrongDigest(what, `it has ${bytes} bytes, not ${size}`);
      const found = `sha256:${hash.digest('hex')}`;
      if (found !== digest) throw wrongDigest(what, `its bytes are ${found}, not ${digest}`);
    },
    close: async () => {
      ended = true;
      await iterator.return?.();
    },
  };
}

/** Errors: `digest-mismatch` when a document is not the requested one. */
export function verifyBytes(bytes: Uint8Array, digest: string, what: string): Uint8Array {
  const found = digestOf(bytes);
  if (found !== digest) throw wrongDigest(what, `its bytes are ${found}, not ${digest}`);
  return bytes;
}

const wrongDigest = (what: string, why: string) =>
  new OciError('digest-mismatch', `${what} is not what it should be: ${why}.`, {
    hint: 'It was damaged on its way or where it is kept. Try again; if it stays so, make or push the image again.',
    subject: what,
  });

/** All bytes of a stream that should be short. Errors: `invalid` beyond `maxBytes`. */
export async function readAll(source: Bytes, maxBytes: number, what: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of source) {
    bytes += chunk.length;
    if (bytes > maxBytes) {
      throw new OciError('invalid', `${what} is longer than ${maxBytes} bytes.`, {
        hint: 'No image has so long a description: it was made wrongly or is hostile.',
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
