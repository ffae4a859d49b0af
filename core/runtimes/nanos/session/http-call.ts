/** An event as an HTTP request, and the program's answer as a response. */
import { request as httpRequest, type IncomingMessage, validateHeaderName, validateHeaderValue } from 'node:http';
import { hostNow } from '#core/store/host-clock.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { Json } from '#shared/model/json.ts';
import type { Body, Response } from '#shared/model/run.ts';
import { bytes, type HostNs } from '#shared/model/units.ts';

export interface HttpTarget {
  readonly host: string;
  readonly port: number;
}

/** An event in HTTP's form. */
export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/**
 * The outcome of one try. `refused`: the connection ended before a byte of an answer, as when no program listens yet.
 */
export type HttpResult =
  | { readonly kind: 'answered'; readonly response: Response; readonly sentAtNs: HostNs; readonly receivedAtNs: HostNs }
  | { readonly kind: 'refused'; readonly cause: unknown };

/** An answer is kept whole in memory, stored with its run, and shown. */
const maxBodyBytes = 64 * 1024 * 1024;
/** Enough to tell a protocol by. */
const maxShownBytes = 48;
const methodPattern = /^[!#$%&'*+.^_`|~\w-]+$/;
const fields = new Set(['method', 'path', 'query', 'headers', 'body']);

/**
 * Sends a request and takes the answer.
 *
 * Errors: RESPONSE_NOT_SERIALIZABLE for an answer that is too long or not HTTP; CHANNEL_BROKEN for one that breaks off;
 * CANCELLED through `signal`.
 */
export async function callHttp(target: HttpTarget, request: HttpRequest, signal: AbortSignal): Promise<HttpResult> {
  const { method, path, headers, body } = request;
  const sentAtNs = hostNow();
  return await new Promise<HttpResult>((resolve, reject) => {
    let head = Buffer.alloc(0);
    const fail = (cause: unknown) => {
      if (cause instanceof FirstlightError) reject(cause);
      else if (isParseError(cause as NodeJS.ErrnoException)) reject(notHttp(cause as Error, head));
      else if (signal.aborted) reject(new FirstlightError('CANCELLED', 'The invocation was cancelled.'));
      else reject(new FirstlightError('CHANNEL_BROKEN', 'The program broke off its answer.', { cause }));
    };
    let answering = false;
    const outgoing = httpRequest({ ...target, method, path, headers, agent: false, signal });
    // Before Node's own listener, which ends the connection at the first byte that is not HTTP.
    outgoing.on('socket', (socket) =>
      socket.prependListener('data', (chunk: Buffer) => {
        if (head.length <= maxShownBytes) head = Buffer.concat([head, chunk.subarray(0, maxShownBytes + 1)]);
      }),
    );
    outgoing.on('error', (cause) => {
      if (answering || signal.aborted || isParseError(cause) || head.indexOf('HTTP/1.') === 0) fail(cause);
      else if (head.length > 0) fail(notHttp(cause, head));
      else resolve({ kind: 'refused', cause });
    });
    outgoing.on('response', (incoming) => {
      answering = true;
      readResponse(incoming).then(
        (response) => resolve({ kind: 'answered', response, sentAtNs, receivedAtNs: hostNow() }),
        fail,
      );
    });
    outgoing.end(body);
  });
}

/** Node's parser of HTTP gives its errors such codes. */
const isParseError = (cause: NodeJS.ErrnoException) => cause.code?.startsWith('HPE_') ?? false;

function notHttp(cause: Error, head: Buffer): FirstlightError {
  const message = `What the program answers is not HTTP. It begins with ${quoteBytes(head)}. ${cause.message}.`;
  return new FirstlightError('RESPONSE_NOT_SERIALIZABLE', message, {
    hint: 'Does it speak HTTP/1.1 on this port, and not HTTPS or another protocol?',
    cause,
  });
}

/** The first bytes in quotes, as in C: nothing in them acts on a terminal. */
function quoteBytes(head: Buffer): string {
  const escapes: Readonly<Record<string, string>> = { '\r': '\\r', '\n': '\\n', '\t': '\\t', '"': '\\"', '\\': '\\\\' };
  const show = (char: string) =>
    escapes[char] ?? (/[ -~]/.test(char) ? char : `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
  const shown = [...head.toString('latin1', 0, maxShownBytes)].map(show).join('');
  return `"${shown}"${head.length > maxShownBytes ? ' …' : ''}`;
}

/**
 * An event in the shape of a request as that; any other JSON, posted.
 *
 * Errors: BAD_INPUT for a method or a header that HTTP cannot carry.
 */
export function toRequest(event: Json): HttpRequest {
  if (!isRequest(event)) return post(event);
  const { method = 'GET', path = '/', query, headers, body = null } = event as Record<string, Json>;
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) search.append(name, String(value));
  const suffix = search.size === 0 ? '' : `${String(path).includes('?') ? '&' : '?'}${search}`;
  const given = Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)]);
  const { 'content-length': _, ...known } = Object.fromEntries(given) as Record<string, string>;
  const text = body === null ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
  const typed = text === undefined || typeof body === 'string' ? {} : { 'content-type': 'application/json' };
  const all = { ...typed, ...known };
  try {
    for (const [name, value] of Object.entries(all)) {
      validateHeaderName(name);
      validateHeaderValue(name, value);
    }
  } catch (cause) {
    throw badRequest(cause instanceof Error ? cause.message : String(cause), cause);
  }
  if (!methodPattern.test(String(method))) throw badRequest(`${JSON.stringify(method)} is not a method.`);
  return { method: String(method), path: escapePath(`${path}${suffix}`), headers: all, body: text };
}

const badRequest = (why: string, cause?: unknown) =>
  new FirstlightError('BAD_INPUT', `The event cannot be sent as an HTTP request. ${why}`, {
    hint: 'Correct its method, path or headers.',
    cause,
  });

/** The path with characters escaped that a request line cannot have; existing escapes stay. */
function escapePath(path: string): string {
  const rooted = path.startsWith('/') ? path : `/${path}`;
  // Through a buffer, which has U+FFFD for half a character.
  return rooted.replaceAll(/[^\x21-\x7e]|["#<>\\^`{|}]/gu, (part) => encodeURIComponent(Buffer.from(part).toString()));
}

function isRequest(event: Json): boolean {
  if (event === null || typeof event !== 'object' || Array.isArray(event)) return false;
  const keys = Object.keys(event);
  return keys.length > 0 && keys.every((key) => fields.has(key)) && ('path' in event || 'method' in event);
}

const post = (event: Json): HttpRequest => ({
  method: 'POST',
  path: '/',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(event),
});

async function readResponse(incoming: IncomingMessage): Promise<Response> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBodyBytes) {
      incoming.destroy();
      throw new FirstlightError('RESPONSE_NOT_SERIALIZABLE', `The answer is longer than ${maxBodyBytes} bytes.`);
    }
    chunks.push(chunk);
  }
  const headers = Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]));
  const data = Buffer.concat(chunks);
  const status = incoming.statusCode ?? 0;
  return { status, headers, body: toBody(data, headers['content-type'] ?? ''), bytes: bytes(data.length) };
}

function toBody(data: Buffer, contentType: string): Body {
  if (/\bjson\b/i.test(contentType)) {
    try {
      return { kind: 'json', value: JSON.parse(data.toString('utf8')) as Json };
    } catch {
      // Declared as JSON but invalid: shown as text or bytes.
    }
  }
  const isText =
    contentType === '' || /^(text\/|application\/(json|javascript|xml|x-www-form-urlencoded))/i.test(contentType);
  const text = isText ? decodeUtf8(data) : null;
  return text === null ? { kind: 'bytes', base64: data.toString('base64') } : { kind: 'text', value: text };
}

function decodeUtf8(data: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(data);
  } catch {
    return null;
  }
}
