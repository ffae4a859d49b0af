import { FirstlightError } from '#shared/errors.ts';
import { systemCode } from '../../../store/store-error.ts';

export interface OpenOptions {
  readonly signal: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
  /** The limit for silence of the server. Units: ms. */
  readonly stallMs: number;
}

/** An answer whose body can be read chunk by chunk. */
export interface Opened {
  readonly status: number;
  readonly headers: Headers;
  /** Errors: CANCELLED; DOWNLOAD_FAILED when the connection breaks or the server falls silent. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** The hint for a machine that cannot download. */
export const offlineHint =
  'Without a network, `firstlight nanos install --from DIR` takes a build of Nanos from this machine, and functions on Ember ("runtime": "ember") need none.';

/**
 * Requests a URL, and returns once the headers of the answer have arrived.
 *
 * Errors: CANCELLED; DOWNLOAD_FAILED when the server cannot be reached.
 */
export async function openUrl(url: string, { signal, headers = {}, stallMs }: OpenOptions): Promise<Opened> {
  const { host } = new URL(url);
  const stalled = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const watch = () => {
    clearTimeout(timer);
    timer = setTimeout(() => stalled.abort(), stallMs);
  };
  const fail = (thrown: unknown, what: string, hint: string): FirstlightError => {
    if (signal.aborted) return new FirstlightError('CANCELLED', 'Cancelled.', { cause: thrown });
    const why = stalled.signal.aborted ? `it has sent nothing for ${stallMs / 1000} s` : wordsOf(thrown);
    return new FirstlightError('DOWNLOAD_FAILED', `${what}: ${why}.`, {
      hint,
      details: { subject: url },
      cause: thrown,
    });
  };

  watch();
  let response: Response;
  try {
    // Unencoded: a server that unpacks on the way would give another file.
    response = await fetch(url, {
      signal: AbortSignal.any([signal, stalled.signal]),
      // The digests are no proof against a wrong server: no redirect may lead to another one.
      redirect: 'error',
      headers: { 'accept-encoding': 'identity', ...headers },
    });
  } catch (thrown) {
    throw fail(thrown, `Could not reach ${host}`, offlineHint);
  } finally {
    clearTimeout(timer);
  }

  async function* read(): AsyncGenerator<Uint8Array> {
    try {
      watch();
      for await (const chunk of response.body ?? []) {
        clearTimeout(timer);
        yield chunk;
        watch();
      }
    } catch (thrown) {
      throw fail(thrown, `The connection to ${host} broke`, 'Try again: a download goes on where it was broken off.');
    } finally {
      clearTimeout(timer);
    }
  }
  return { status: response.status, headers: response.headers, body: read() };
}

/** A short text at a URL; null when the server has none there. Errors: CANCELLED, DOWNLOAD_FAILED. */
export async function readText(url: string, maxBytes: number, options: OpenOptions): Promise<string | null> {
  const { status, body } = await openUrl(url, options);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > maxBytes) break;
  }
  if (isAbsent(status)) return null;
  if (status !== 200) throw badStatus(url, status);
  return Buffer.concat(chunks).subarray(0, maxBytes).toString('utf8').trim();
}

/** A store that does not list its files answers "forbidden" for missing ones. */
export const isAbsent = (status: number): boolean => status === 404 || status === 403;

export const badStatus = (url: string, status: number): FirstlightError =>
  new FirstlightError('DOWNLOAD_FAILED', `${new URL(url).host} answered with status ${status}.`, {
    hint: `Try again later. ${offlineHint}`,
    details: { subject: url },
  });

/** The message in the causes of fetch's error: `getaddrinfo ENOTFOUND example.org`. */
function wordsOf(thrown: unknown): string {
  let words = String(thrown);
  let depth = 0;
  for (let at = thrown; at instanceof Error && depth < 4; at = at.cause, depth++) {
    words = at.message || systemCode(at) || words;
  }
  return words.replace(/\.$/, '');
}
