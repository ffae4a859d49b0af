/**
 * `fetch` by HTTP, on the guest's own network. It runs in the guest, after http.ts and url.js.
 *
 * A response is whole when `fetch` resolves. Each request has a connection of its own.
 */
import type { Headers, Response } from './http.ts';

/** http.ts as it was put before this one. */
const web = globalThis as unknown as typeof import('./http.ts');

/** The guest's side: see guest/rt/fetch.c and the prelude. */
interface Network {
  readonly call: (operation: number, ...args: unknown[]) => void;
  poll: (() => void) | undefined;
  reset: (() => void) | undefined;
}
const network = (globalThis as unknown as Record<symbol, Network>)[Symbol.for('firstlight.network')] as Network;
const operations = { begin: 0, next: 1, read: 2, cancel: 3 } as const;

/** The longest time for a request, its redirects included. Units: ms. */
const mostMs = 60_000;
const redirectsMost = 20;
/** As many as the guest has places for: guest/net/sizes.h. */
const requestsMost = 16;

/** Each reason of guest/net/net.h, by its number. Shape: a code as Node's, and words. */
const failures: readonly (readonly [code: string, words: string])[] = [
  ['', ''],
  ['ENETDOWN', 'the machine has no network card'],
  ['ENOTFOUND', 'no address was found for the name'],
  ['ECONNREFUSED', 'the connection was refused'],
  ['ETIMEDOUT', 'there was no connection within 10 s'],
  ['ECONNRESET', 'the server reset the connection'],
  ['ECONNRESET', 'the server closed the connection before the response was whole'],
  ['ETIMEDOUT', 'the response was not whole within 60 s'],
  ['EPROTO', 'the server did not answer with an HTTP/1 response'],
  ['EMSGSIZE', 'the response is larger than 8 MiB, or its head larger than 32 KiB'],
  ['ENOMEM', 'there is no memory for it'],
  [
    'ENETDOWN',
    'no DHCP server has given the guest an address within 10 s; with "address": "fixed" under "network" in firstlight.json it needs none',
  ],
];

type Bytes = Uint8Array<ArrayBuffer>;

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Bytes;
}

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (failure: Failure) => void;
}

/** A reason as the guest gives it. */
interface Failure {
  readonly code: string;
  readonly words: string;
}

const waiting = new Map<number, Waiting>();
/** Requests that wait until another has ended. */
let held: (() => void)[] = [];
let nextId = 1;
/** Invocations that have ended. What one of them has left behind goes no further. */
let ended = 0;

network.poll = () => {
  if (waiting.size === 0) return;
  for (;;) {
    const words = new Uint32Array(5);
    network.call(operations.next, words.buffer);
    const [id = 0, failure = 0, status = 0, headersLength = 0, bodyLength = 0] = words;
    if (id === 0) return;
    const [headers, body] = [new Uint8Array(headersLength), new Uint8Array(bodyLength)];
    network.call(operations.read, headers.buffer, body.buffer);
    settle(id, failure, () => ({ status, headers: headersOf(headers), body }));
  }
};

function settle(id: number, failure: number, read: () => Answer): void {
  const found = end(id);
  const [code, words] = failures[failure] ?? ['', ''];
  try {
    if (failure === 0) found?.resolve(read());
    else found?.reject({ code, words });
  } catch {
    // `Headers` refuses what the guest's parser lets pass.
    found?.reject({ code: 'EPROTO', words: 'the response has a header with a character that headers cannot carry' });
  }
}

network.reset = () => {
  ended++;
  waiting.clear();
  held = [];
};

/** Frees a request's place for the next one. */
function end(id: number): Waiting | undefined {
  const found = waiting.get(id);
  waiting.delete(id);
  network.call(operations.cancel, id);
  held.shift()?.();
  return found;
}

/** Shape: `bytes` are name, zero, value, zero, and so on, in Latin-1. */
function headersOf(bytes: Bytes): Headers {
  const headers = new web.Headers();
  let text = '';
  for (let at = 0; at < bytes.length; at += 4096) text += String.fromCharCode(...bytes.subarray(at, at + 4096));
  const parts = text.split('\0');
  for (let i = 0; i + 1 < parts.length; i += 2) headers.append(parts[i] ?? '', parts[i + 1] ?? '');
  return headers;
}

interface Hop {
  readonly url: URL;
  readonly method: string;
  readonly headers: Headers;
  readonly body: Bytes;
}

/** Sends one request. Errors: rejects with a `Failure`, or with the signal's reason. */
function exchange({ url, method, headers, body }: Hop, untilMs: number, signal: AbortSignal | undefined) {
  let stop = () => {};
  const answer = new Promise<Answer>((resolve, reject) => {
    const id = nextId++;
    const begin = () => {
      waiting.set(id, { resolve, reject });
      const isHead = method === 'HEAD' ? 1 : 0;
      const request = requestBytes({ url, method, headers, body });
      const leftMs = Math.max(1, untilMs - performance.now());
      network.call(operations.begin, id, url.hostname, Number(url.port || 80), request.buffer, isHead, leftMs);
    };
    stop = () => {
      if (waiting.has(id)) end(id);
      held = held.filter((other) => other !== begin);
      reject(signal?.reason);
    };
    if (waiting.size < requestsMost) begin();
    else held.push(begin);
  });
  signal?.addEventListener('abort', stop, { once: true });
  return answer.finally(() => signal?.removeEventListener('abort', stop));
}

/** Headers that say how the message is sent, which is the guest's matter. */
const ownHeaders = /^(?:connection|content-length|expect|keep-alive|te|trailer|transfer-encoding|upgrade)$/;

function requestBytes({ url, method, headers, body }: Hop): Bytes {
  const lines = [`${method} ${url.pathname}${url.search} HTTP/1.1`];
  const add = (name: string, value: string) => {
    if (!headers.has(name)) lines.push(`${name}: ${value}`);
  };
  add('host', url.host);
  add('accept', '*/*');
  add('accept-encoding', 'identity');
  add('user-agent', 'firstlight');
  for (const [name, value] of headers) if (!ownHeaders.test(name)) lines.push(`${name}: ${value}`);
  if (body.length > 0 || !/^(?:GET|HEAD|OPTIONS|DELETE)$/.test(method)) lines.push(`content-length: ${body.length}`);
  const head = `${lines.join('\r\n')}\r\nconnection: close\r\n\r\n`;
  const bytes = new Uint8Array(head.length + body.length);
  // Headers have characters of one byte.
  for (let i = 0; i < head.length; i++) bytes[i] = head.charCodeAt(i);
  bytes.set(body, head.length);
  return bytes;
}

function failed(url: URL, { code, words }: Failure): TypeError {
  const cause = Object.assign(new Error(`${url.host}: ${words}.`), { code });
  return new TypeError('fetch failed', { cause });
}

const refused = (url: URL, words: string) => failed(url, { code: 'ERR_INVALID_URL', words });

/** Errors: TypeError for a URL that the guest cannot reach by itself. */
function checkUrl(url: URL): void {
  if (url.protocol === 'https:')
    throw refused(
      url,
      'the guest speaks HTTP only, not HTTPS. Use an http: address, such as that of a proxy on the host, or a runtime with Node.js',
    );
  if (url.protocol !== 'http:') throw refused(url, `the guest fetches http: addresses only, not ${url.protocol}`);
  if (url.username !== '' || url.password !== '') throw refused(url, 'an address has no user name and no password');
  if (url.hostname.startsWith('[')) throw refused(url, 'the guest speaks IPv4 only');
  if (url.hostname === 'localhost' || /^127\./.test(url.hostname))
    throw refused(url, 'in the guest, that is the guest itself. The services of the host are at 10.0.2.2');
}

interface FetchInit {
  readonly method?: string;
  readonly headers?: Headers | Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal | null;
  readonly redirect?: 'follow' | 'error' | 'manual';
}

/** Sends a request by HTTP. Errors: a TypeError whose `cause` says why; the signal's reason. */
export async function fetch(input: unknown, init: FetchInit = {}): Promise<Response> {
  const untilMs = performance.now() + mostMs;
  const begunIn = ended;
  const request = new web.Request(input as string, init);
  const { signal } = request;
  const { redirect } = request;
  if (!['follow', 'error', 'manual'].includes(redirect)) throw new TypeError(`There is no redirect "${redirect}".`);
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(request.method) || /^(?:connect|trace|track)$/i.test(request.method))
    throw new TypeError(`${JSON.stringify(request.method)} is not a method of fetch.`);
  if (signal?.aborted) throw signal.reason;
  const content = await request.take();
  if (begunIn !== ended) throw new TypeError('fetch failed: its invocation has ended.');
  const body = typeof content === 'string' ? new TextEncoder().encode(content) : (content ?? new Uint8Array());
  let hop: Hop = { url: new URL(request.url), method: request.method, headers: request.headers, body };
  for (let redirects = 0; ; redirects++) {
    checkUrl(hop.url);
    const answer = await answerTo(hop, untilMs, signal);
    const target = redirect === 'manual' ? null : targetOf(answer, hop.url);
    if (target === null) return responseOf(hop, answer, redirects > 0);
    if (redirect === 'error') throw failed(hop.url, { code: 'EREDIRECT', words: `it redirects to ${target.href}` });
    if (redirects === redirectsMost)
      throw failed(hop.url, { code: 'EREDIRECT', words: `it redirects more than ${redirectsMost} times` });
    hop = follow(hop, answer.status, target);
  }
}

async function answerTo(hop: Hop, untilMs: number, signal: AbortSignal | undefined): Promise<Answer> {
  let answer: Answer;
  try {
    answer = await exchange(hop, untilMs, signal);
  } catch (thrown) {
    if (signal?.aborted) throw signal.reason;
    // Of the guest itself: it has no network while an image is built.
    if (thrown instanceof Error) throw thrown;
    throw failed(hop.url, thrown as Failure);
  }
  const coding = answer.headers.get('content-encoding');
  if (coding !== null && coding.toLowerCase() !== 'identity' && !hop.headers.has('accept-encoding'))
    throw failed(hop.url, { code: 'EPROTO', words: `the response is coded as ${coding}, which was not asked for` });
  return answer;
}

/** Where a response redirects to; null when it does not. */
function targetOf({ status, headers }: Answer, from: URL): URL | null {
  const location = headers.get('location');
  if (![301, 302, 303, 307, 308].includes(status) || location === null) return null;
  const target = URL.parse(location, from.href);
  if (target === null) throw failed(from, { code: 'EPROTO', words: `it redirects to ${JSON.stringify(location)}` });
  return target;
}

/** The request to make after a redirect. Source: Fetch standard, HTTP-redirect fetch. */
function follow({ url: from, method, headers: given, body }: Hop, status: number, url: URL): Hop {
  const headers = new web.Headers(given);
  const becomesGet = (status === 303 && method !== 'GET' && method !== 'HEAD') || (status < 303 && method === 'POST');
  const dropped = [
    ...(becomesGet ? ['content-encoding', 'content-language', 'content-location', 'content-type'] : []),
    ...(url.origin === from.origin ? [] : ['authorization', 'cookie', 'host', 'proxy-authorization']),
  ];
  for (const name of dropped) headers.delete(name);
  return {
    url,
    method: becomesGet ? 'GET' : method,
    headers,
    body: becomesGet ? new Uint8Array() : body,
  };
}

function responseOf({ url, method }: Hop, { status, headers, body }: Answer, redirected: boolean): Response {
  const hasNone = method === 'HEAD' || [204, 205, 304].includes(status);
  const response = new web.Response(hasNone ? null : body, { status, headers });
  const { href } = url;
  return Object.defineProperties(response, {
    url: { value: url.hash === '' ? href : href.slice(0, -url.hash.length) },
    redirected: { value: redirected },
    type: { value: 'basic' },
  });
}
