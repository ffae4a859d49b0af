import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server of releases on loopback, with faults. */
export interface ReleaseServer {
  /** Shape: ends with a slash. */
  readonly url: string;
  /** Content by path below `url`. */
  readonly files: Map<string, Buffer>;
  /** The requests in order: the path, and the range when there was one. */
  readonly requests: string[];
  /** Headers to add to every answer. */
  readonly headers: Record<string, string>;
  /** Targets of redirects by path. */
  readonly redirects: Map<string, string>;
  /** The connection is cut after so many bytes of a body; each stays in force until it is reset. */
  cutAfter: number | null;
  /** The server falls silent after so many bytes of a body. */
  stallAfter: number | null;
  /** The version of its content: another ETag. */
  edition: number;
  readonly close: () => Promise<void>;
}

export async function startReleaseServer(): Promise<ReleaseServer> {
  const files = new Map<string, Buffer>();
  const server = createServer((request, response) => answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const state: ReleaseServer = {
    url: `http://127.0.0.1:${port}/release/`,
    files,
    requests: [],
    headers: {},
    redirects: new Map(),
    cutAfter: null,
    stallAfter: null,
    edition: 1,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const path = (request.url ?? '').replace('/release/', '');
    const { range, 'if-range': ifRange } = request.headers;
    state.requests.push(range === undefined ? path : `${path} ${range}`);
    const elsewhere = state.redirects.get(path);
    if (elsewhere !== undefined) {
      response.writeHead(302, { location: elsewhere }).end();
      return;
    }
    const whole = files.get(path);
    if (whole === undefined) {
      response.writeHead(404).end('<Error>NoSuchKey</Error>');
      return;
    }
    const etag = `"${createHash('md5').update(whole).digest('hex')}-${state.edition}"`;
    const wanted = ifRange === etag ? /^bytes=(\d+)-$/.exec(range ?? '')?.[1] : undefined;
    const from = Number(wanted ?? 0);
    if (wanted !== undefined && from >= whole.length) {
      response.writeHead(416, { 'content-range': `bytes */${whole.length}` }).end();
      return;
    }
    const body = whole.subarray(from);
    response.writeHead(wanted === undefined ? 200 : 206, {
      etag,
      'content-length': body.length,
      ...(wanted !== undefined && { 'content-range': `bytes ${from}-${whole.length - 1}/${whole.length}` }),
      ...state.headers,
    });
    const { cutAfter, stallAfter } = state;
    if (cutAfter !== null && cutAfter < body.length) {
      response.write(body.subarray(0, cutAfter), () => setImmediate(() => request.socket.destroy()));
    } else if (stallAfter !== null && stallAfter < body.length) {
      response.write(body.subarray(0, stallAfter));
    } else {
      response.end(body);
    }
  }
  return state;
}

/** The header with Cloud Storage's digest of a file. */
export const googHash = (data: Buffer): string => `md5=${createHash('md5').update(data).digest('base64')}`;
