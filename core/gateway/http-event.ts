/** HTTP requests as events, and responses as HTTP: as the endpoint of a deployed function has them (guest/pod). */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { FirstlightError } from '#shared/errors.ts';
import type { Json } from '#shared/model/json.ts';
import type { Response } from '#shared/model/run.ts';

/** As a deployed function's endpoint. An event is JSON of at most this size. */
const maxBodyBytes = 16 * 1024 * 1024;

/** The headers that define the transfer on this connection: Node sets them. */
const transferHeaders = new Set(['connection', 'content-length', 'transfer-encoding', 'keep-alive', 'upgrade']);

/** The body of a request. Errors: BAD_INPUT beyond 16 MiB. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) throw new FirstlightError('BAD_INPUT', 'The body is longer than 16 MiB.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The event of a request. Shape: `path` begins with `/`; its query follows a `?`. */
export function eventOf({ method = 'GET', headers: given }: IncomingMessage, target: string, body: Buffer): Json {
  const [path = '/', ...search] = target.split('?');
  const headers = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, String(value)]));
  return {
    method,
    path,
    query: Object.fromEntries(new URLSearchParams(search.join('?'))),
    headers,
    body: bodyOf(body.toString('utf8'), headers['content-type'] ?? ''),
  };
}

function bodyOf(text: string, contentType: string): Json {
  if (text === '') return null;
  if (!/json/i.test(contentType)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Sends a function's response with further headers. Errors: RESPONSE_NOT_SERIALIZABLE for a header that HTTP cannot have. */
export function sendResponse(to: ServerResponse, { status, headers, body }: Response, more: Headers): void {
  const own = Object.entries(headers)
    .filter(([name]) => !transferHeaders.has(name.toLowerCase()))
    .map(([name, value]) => [name, name.toLowerCase() === 'set-cookie' ? value.split('\n') : value]);
  try {
    to.writeHead(status, { ...Object.fromEntries(own), ...more });
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    throw new FirstlightError('RESPONSE_NOT_SERIALIZABLE', `The function answered with a bad header. ${message}`);
  }
  if (body.kind === 'bytes') to.end(Buffer.from(body.base64, 'base64'));
  else to.end(body.kind === 'json' ? JSON.stringify(body.value) : body.value);
}

type Headers = Readonly<Record<string, string>>;

/** Sends an answer of the gateway's own. */
export function sendJson(to: ServerResponse, status: number, value: object, more: Headers = {}): void {
  to.writeHead(status, { 'content-type': 'application/json', ...more });
  to.end(`${JSON.stringify(value)}\n`);
}

/** The status for a request that got no response of its function. */
export function statusOf(error: FirstlightError): number {
  if (error.code === 'TOO_MANY_CALLS') return 429;
  if (error.code === 'FUNCTION_TIMEOUT' || error.code === 'BOOT_TIMEOUT') return 504;
  if (error.code === 'CONFLICT' || error.code === 'CANCELLED') return 503;
  return error.class === 'environment' || error.class === 'boot' ? 503 : 500;
}

/** When a client may try again, for the statuses that ask it to. Units: seconds. */
export const retryAfterOf = (status: number): Headers =>
  status === 429 || status === 503 ? { 'retry-after': '1' } : {};
