/** Requests that write to a registry: with a body, own certificates, and a deadline. */
import { createReadStream } from 'node:fs';
import { type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import { OciError } from '../oci-error.ts';
import { unreachable } from '../registry-http.ts';

/** Units: ms without a byte in either direction. */
const idleTimeoutMs = 60_000;
/** The limit of a registry's error text, which is short. */
const maxTextBytes = 1 << 20;

/** A body: bytes in memory, or a part of a file. Units: bytes; `end` is the first byte that is not sent. */
export type Body =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'file'; readonly path: string; readonly start: number; readonly end: number };

export interface Sent {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Body | undefined;
  /** Certificates in PEM that are trusted in addition to the system's. */
  readonly ca?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Gets the number of bytes given to the connection. Units: bytes, in total. */
  readonly onSent?: ((bytes: number) => void) | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

const lengthOf = (body: Body | undefined): number =>
  body === undefined ? 0 : body.kind === 'bytes' ? body.bytes.length : body.end - body.start;

/** The answer to a request. Redirects are not followed. Errors: `registry-unreachable` in plain words; the signal's reason. */
export async function send(sent: Sent): Promise<Answer> {
  const { method, url, headers = {}, body, ca, signal } = sent;
  signal?.throwIfAborted();
  return await new Promise<Answer>((resolve, reject) => {
    const request = (url.protocol === 'https:' ? requestTls : requestPlain)(url, {
      method,
      headers: { ...headers, 'content-length': String(lengthOf(body)) },
      ...(ca !== undefined && { ca }),
      signal,
    });
    const failed = (thrown: unknown) => reject(signal?.aborted ? signal.reason : toError(thrown, url));
    request.setTimeout(idleTimeoutMs, () =>
      request.destroy(unreachable(url, `nothing came for ${idleTimeoutMs / 1000} s`)),
    );
    request.on('error', failed);
    request.on('response', (response) => {
      readText(response).then(
        (text) => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
        failed,
      );
    });
    writeBody(request, body, sent.onSent, failed);
  });
}

function writeBody(
  request: NodeJS.WritableStream,
  body: Body | undefined,
  onSent: Sent['onSent'],
  failed: (thrown: unknown) => void,
): void {
  if (body === undefined) request.end();
  else if (body.kind === 'bytes') request.end(body.bytes);
  else if (body.start === body.end) request.end();
  else {
    let bytes = 0;
    createReadStream(body.path, { start: body.start, end: body.end - 1 })
      .on('data', (chunk) => {
        bytes += chunk.length;
        onSent?.(bytes);
      })
      .on('error', failed)
      .pipe(request);
  }
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > maxTextBytes) break;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Words for the reasons why certificates are refused; see Node's `tls`. */
const certificateCodes = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_HAS_EXPIRED',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

export const codeOf = (thrown: unknown): string =>
  thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';

function toError(thrown: unknown, url: URL): unknown {
  if (thrown instanceof OciError) return thrown;
  const code = codeOf(thrown);
  const words: Readonly<Record<string, string>> = {
    ENOTFOUND: 'there is no machine of that name, or no network',
    EAI_AGAIN: 'its name cannot be looked up: there is no network',
    ECONNREFUSED: 'nothing listens there',
    ECONNRESET: 'it broke the connection off',
    EPIPE: 'it broke the connection off',
  };
  if (certificateCodes.has(code)) {
    return new OciError(
      'registry-unreachable',
      `The registry ${url.host} is not trusted: its certificate says ${code}.`,
      {
        hint: 'Name the certificate of its authority: firstlight target add … --registry-ca FILE.',
        subject: url.host,
        cause: thrown,
      },
    );
  }
  return unreachable(url, words[code] ?? (thrown instanceof Error ? thrown.message : String(thrown)), thrown);
}
