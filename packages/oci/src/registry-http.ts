/** Requests to a registry: deadlines, redirects, and the error for a person when there is no answer. */

import { FormatError } from '@firstlight/files';
import type { Bytes } from '@firstlight/tar';
import { OciError } from './oci-error.ts';

/** Units: ms until a server begins to answer, and between two pieces of its answer. */
const answerTimeoutMs = 30_000;
const idleTimeoutMs = 60_000;
const maxRedirects = 5;

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Bytes;
}

/** The alternatives when a registry does not work. */
const offlineHint =
  'Without it, an image can come from a file: on a machine that reaches it run `docker save` or `skopeo copy`, then import docker-archive:FILE, oci-archive:FILE or oci:DIR.';

/** True where plain HTTP is allowed: the data does not leave this machine. */
export const isLoopback = (hostname: string): boolean => /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);

/**
 * The answer to a GET. Redirects are followed, without the `authorization` header to another host.
 *
 * Errors: `registry-unreachable` when there is no answer, or one that leads to plain HTTP elsewhere; the signal's reason.
 */
export async function get(
  url: URL,
  headers: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<HttpAnswer> {
  let at = url;
  for (let redirects = 0; redirects <= maxRedirects; redirects++) {
    if (at.protocol !== 'https:' && !(at.protocol === 'http:' && isLoopback(at.hostname) && isLoopback(url.hostname))) {
      throw unreachable(url, `it leads to ${at.protocol}//${at.host}, which is not safe to read from`);
    }
    const sent = at.host === url.host ? headers : withoutAuthorization(headers);
    const answer = await ask(at, sent, signal);
    const location = answer.headers.get('location');
    if (![301, 302, 303, 307, 308].includes(answer.status) || location === null) return answer;
    await drop(answer);
    if (!URL.canParse(location, at.href)) throw unreachable(url, 'it leads to a URL that is not valid');
    at = new URL(location, at);
  }
  throw unreachable(url, `it leads on more than ${maxRedirects} times`);
}

/** Ends an answer whose rest is not needed. */
export async function drop({ body }: HttpAnswer): Promise<void> {
  await body[Symbol.asyncIterator]().return?.();
}

function withoutAuthorization({ authorization: _, ...rest }: Readonly<Record<string, string>>): Record<string, string> {
  return rest;
}

async function ask(url: URL, headers: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<HttpAnswer> {
  signal?.throwIfAborted();
  const abort = new AbortController();
  const forward = () => abort.abort(signal?.reason);
  signal?.addEventListener('abort', forward, { once: true });
  let timer = setTimeout(() => abort.abort(timedOut(url, answerTimeoutMs)), answerTimeoutMs);
  const settle = () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', forward);
  };
  let response: Response;
  try {
    response = await fetch(url, {
      headers: { ...headers, 'accept-encoding': 'identity' },
      redirect: 'manual',
      signal: abort.signal,
    });
  } catch (thrown) {
    settle();
    throw toRegistryError(thrown, url);
  }

  async function* body(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of response.body ?? []) {
        clearTimeout(timer);
        yield chunk;
        timer = setTimeout(() => abort.abort(timedOut(url, idleTimeoutMs)), idleTimeoutMs);
      }
    } catch (thrown) {
      throw toRegistryError(thrown, url);
    } finally {
      settle();
    }
  }
  clearTimeout(timer);
  return { status: response.status, headers: response.headers, body: body() };
}

const timedOut = (url: URL, ms: number) => unreachable(url, `it did not answer within ${ms / 1000} s`);

/** Errors: our own abort stays unchanged; all others become `registry-unreachable` with the system's message. */
function toRegistryError(thrown: unknown, url: URL): unknown {
  if (thrown instanceof FormatError || (thrown instanceof Error && thrown.name === 'AbortError')) return thrown;
  const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const words: Readonly<Record<string, string>> = {
    ENOTFOUND: 'there is no machine of that name, or no network',
    EAI_AGAIN: 'its name cannot be looked up: there is no network',
    ECONNREFUSED: 'nothing listens there',
    ECONNRESET: 'it broke the connection off',
    UND_ERR_SOCKET: 'it broke the connection off',
  };
  return unreachable(url, words[code] ?? (cause instanceof Error ? cause.message : String(cause)), thrown);
}

/** Errors contain only the host of an address: the rest may contain a token. */
export function unreachable(url: URL, why: string, cause?: unknown): OciError {
  return new OciError('registry-unreachable', `The registry ${url.host} cannot be used: ${why}.`, {
    hint: offlineHint,
    subject: url.host,
    cause,
  });
}
