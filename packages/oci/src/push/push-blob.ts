/** Uploads one blob: skips an existing one, mounts one from another repository, resumes an interrupted upload. */
import { setTimeout as sleep } from 'node:timers/promises';
import { OciError } from '../oci-error.ts';
import { unreachable } from '../registry-http.ts';
import type { Blob } from '../write/blob.ts';
import type { Answer, Body } from './http.ts';
import { type RepositorySession, wordsOf } from './session.ts';

/** The limit of GitHub's registry for one request. Units: bytes. */
const defaultChunkBytes = 4 << 20;
const maxBreaks = 5;
const firstWaitMs = 250;

export type BlobOutcome = 'there' | 'mounted' | 'uploaded';

/** The content of a blob: a layer in a file, or a document in memory. */
export type BlobSource = Blob | (Omit<Blob, 'path'> & { readonly bytes: Uint8Array });

export interface PushBlobOptions {
  /** A repository of the same registry that may have it. */
  readonly mountFrom?: string | undefined;
  readonly onSent: (bytes: number) => void;
  readonly signal?: AbortSignal | undefined;
  /** Larger blobs go in pieces of this size. Units: bytes. */
  readonly chunkBytes?: number | undefined;
}

/** Ensures that the repository has a blob. Errors: `registry-unreachable`, `registry-denied`. */
export async function pushBlob(
  session: RepositorySession,
  blob: BlobSource,
  options: PushBlobOptions,
): Promise<BlobOutcome> {
  const { mountFrom, signal } = options;
  const there = await session.ask({ method: 'HEAD', path: `/v2/${session.name}/blobs/${blob.digest}` });
  if (there.status === 200) return 'there';
  for (let broken = 0; ; broken++) {
    const begun = await begin(session, blob, broken === 0 ? mountFrom : undefined);
    if (begun === 'mounted') return begun;
    try {
      await upload(session, blob, begun, options);
      return 'uploaded';
    } catch (thrown) {
      if (!isBreak(thrown) || broken === maxBreaks) throw thrown;
      await sleep(firstWaitMs * 2 ** broken, undefined, { signal });
    }
  }
}

/** An interrupted upload, which may start again; every other error goes to a person. */
class Broken extends Error {}
const isBreak = (thrown: unknown): boolean =>
  thrown instanceof Broken || (thrown instanceof OciError && thrown.reason === 'registry-unreachable');

async function begin(session: RepositorySession, { digest }: BlobSource, mountFrom: string | undefined) {
  const uploads = `/v2/${session.name}/blobs/uploads/`;
  if (mountFrom !== undefined) {
    const answer = await mount(session, `${uploads}?${new URLSearchParams({ mount: digest, from: mountFrom })}`);
    if (answer?.status === 201) return 'mounted';
    // The registry wants the bytes instead, and has begun an upload for them.
    if (answer?.status === 202) return locationOf(session, answer);
  }
  const answer = await session.ask({ method: 'POST', path: uploads });
  if (answer.status !== 202) throw refused(session, answer);
  return locationOf(session, answer);
}

/** Null where the other repository may not be read: what this one may take, an upload shows. */
async function mount(session: RepositorySession, path: string): Promise<Answer | null> {
  try {
    return await session.ask({ method: 'POST', path });
  } catch (thrown) {
    if (thrown instanceof OciError && thrown.reason === 'registry-denied') return null;
    throw thrown;
  }
}

function locationOf(session: RepositorySession, { headers }: Answer): URL {
  const { location } = headers;
  if (location === undefined || !URL.canParse(location, session.base.href)) {
    throw unreachable(session.base, 'it names no place to upload to');
  }
  return new URL(location, session.base);
}

const partOf = (blob: BlobSource, start: number, end: number): Body =>
  'path' in blob
    ? { kind: 'file', path: blob.path, start, end }
    : { kind: 'bytes', bytes: blob.bytes.subarray(start, end) };

async function upload(
  session: RepositorySession,
  blob: BlobSource,
  begun: URL,
  { onSent, signal, chunkBytes = defaultChunkBytes }: PushBlobOptions,
): Promise<void> {
  let place = begun;
  let offset = 0;
  let breaks = 0;
  while (blob.size - offset > chunkBytes) {
    const end = offset + chunkBytes;
    const answer = await patch(session, blob, place, offset, end).catch((thrown: unknown) => {
      if (!isBreak(thrown)) throw thrown;
      return null;
    });
    if (answer !== null && answer.status === 202) {
      place = locationOf(session, answer);
      offset = end;
      onSent(offset);
      continue;
    }
    if (answer !== null && answer.status < 500 && answer.status !== 416) throw refused(session, answer);
    if (++breaks > maxBreaks) throw new Broken('The upload breaks off again and again.');
    await sleep(firstWaitMs * 2 ** breaks, undefined, { signal });
    ({ place, offset } = await resume(session, place, offset, end));
  }
  const digested = new URL(place);
  digested.searchParams.set('digest', blob.digest);
  const headers = { 'content-type': 'application/octet-stream' };
  const last = { method: 'PUT', path: digested, headers, body: partOf(blob, offset, blob.size) } as const;
  const answer = await session.ask(last);
  if (answer.status >= 500 || answer.status === 404) throw new Broken(`The registry answers ${answer.status}.`);
  if (answer.status !== 201) throw refused(session, answer);
  onSent(blob.size);
}

const patch = (session: RepositorySession, blob: BlobSource, place: URL, start: number, end: number) =>
  session.ask({
    method: 'PATCH',
    path: place,
    headers: { 'content-type': 'application/octet-stream', 'content-range': `${start}-${end - 1}` },
    body: partOf(blob, start, end),
  });

/**
 * The place where an interrupted upload continues: the length that the registry reports, if plausible. It must be
 * between the confirmed and the sent length; some registries report the same value forever.
 */
async function resume(session: RepositorySession, place: URL, confirmed: number, sent: number) {
  const answer = await session.ask({ method: 'GET', path: place });
  const [, last] = /^(?:bytes=)?0-(\d+)$/.exec(String(answer.headers.range ?? '')) ?? [];
  const offset = last === undefined ? Number.NaN : Number(last) + 1;
  const isPossible = answer.status === 204 && offset >= confirmed && offset <= sent;
  if (isPossible && offset > 1) {
    return { place: answer.headers.location === undefined ? place : locationOf(session, answer), offset };
  }
  // Registries report `0-0` for no bytes as well as for one byte.
  if (answer.status === 204 && confirmed === 0 && !(offset > 1)) return { place, offset: 0 };
  throw new Broken('The registry does not know where the upload broke off.');
}

function refused({ base, name }: RepositorySession, answer: Answer): OciError {
  const words = wordsOf(answer);
  const why = words === '' ? `it answers with status ${answer.status}` : `${words} (status ${answer.status})`;
  return new OciError('registry-refused', `The registry ${base.host} does not take ${name}: ${why}.`, {
    hint: 'Is it read-only or full? Its own words say what it wants.',
    subject: base.host,
  });
}

export { refused };
