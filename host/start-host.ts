import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { limitPrograms } from '#core/engine/limit-programs.ts';
import { limitRoots } from '#core/engine/limit-roots.ts';
import { contentSecurityPolicy } from '#shared/content-policy.ts';
import type { Engine } from '#shared/contract/index.ts';
import { serveSession } from '#shared/contract/session.ts';
import { webSocketPath, webSocketProtocol } from '#shared/contract/ws-codec.ts';
import { FirstlightError } from '#shared/errors.ts';
import { hasLoopbackHost, hasOwnOrigin, hasToken } from './guard.ts';
import { keepAlive } from './keep-alive.ts';
import { serveFile } from './static-files.ts';
import { createTickets } from './tickets.ts';
import { createWebSocketPort, drop } from './ws-port.ts';

/** Loopback only: remote use needs a tunnel, which brings its own authentication. */
const address = '127.0.0.1';

/** The largest call is `projects:writeFile`: 8,000,000 characters, at most three UTF-8 bytes each. */
const maxMessageBytes = 32 * 1024 * 1024;

const ticketPath = '/open/';

export interface HostOptions {
  readonly engine: Engine;
  /** Folders that clients may open projects, images and sources under. */
  readonly roots: readonly string[];
  /** The built renderer. */
  readonly rendererDir: string;
  /** 0 or absent: any free one. */
  readonly port?: number | undefined;
  /** Absent: 256 random bits. */
  readonly token?: string | undefined;
  readonly log: (line: string) => void;
  /** The time limit for a complete request, and for an idle socket. Units: ms. */
  readonly slowMs?: number | undefined;
  /** More connections than a person's browsers open. */
  readonly maxConnections?: number | undefined;
}

const defaultSlowMs = 10_000;
const defaultMaxConnections = 256;

export interface Host {
  /** The URL for a person. The token is in the fragment, which no browser sends and no server logs. */
  readonly url: string;
  readonly origin: string;
  readonly token: string;
  /** A URL that opens the studio once, within a minute: for the command line of a browser, which others can read. */
  readonly issueUrl: () => string;
  /** Ends every session and the listener. */
  readonly close: () => Promise<void>;
}

/**
 * A web host on loopback: the renderer's files, and the contract over WebSocket for clients with the token.
 *
 * Errors: CONFLICT when the port is taken; BAD_INPUT when it may not be used.
 */
export async function startHost(options: HostOptions): Promise<Host> {
  const { rendererDir, log, roots, slowMs = defaultSlowMs } = options;
  const rooted = limitRoots(
    options.engine,
    () => roots,
    () => `It may open what lies under ${roots.join(', ')}. Start it with --root <dir> for another folder.`,
  );
  // A browser gives no path that a person has picked.
  const engine = limitPrograms(rooted, () => false);
  const token = options.token ?? randomBytes(32).toString('hex');
  const tickets = createTickets();
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: maxMessageBytes,
    perMessageDeflate: false,
    handleProtocols: () => webSocketProtocol,
  });

  const limits = { headersTimeout: slowMs, requestTimeout: slowMs, connectionsCheckingInterval: slowMs / 2 };
  const server = createServer(limits, (request, response) => {
    const { host } = request.headers;
    if (!hasLoopbackHost(request)) {
      log(`refused a page request that names the host "${host}"`);
      response.writeHead(403, { 'content-type': 'text/plain' }).end('This host answers to loopback names only.\n');
      return;
    }
    for (const [name, value] of securityHeaders(host)) response.setHeader(name, value);
    if (request.url?.startsWith(ticketPath)) {
      const isGood = tickets.redeem(request.url.slice(ticketPath.length));
      if (isGood) response.setHeader('location', `/#token=${token}`);
      response.writeHead(isGood ? 302 : 410, { 'cache-control': 'no-store', 'content-type': 'text/plain' });
      response.end(isGood ? '' : 'This link was used already. Run `firstlight studio` to get another.\n');
      return;
    }
    serveFile(rendererDir, request, response).catch((error: unknown) => {
      log(`a page request ended early: ${error instanceof Error ? error.message : error}`);
      response.destroy();
    });
  });
  // For a page download that stalls. A WebSocket removes this timeout: it has pings.
  server.timeout = slowMs;
  server.maxConnections = options.maxConnections ?? defaultMaxConnections;
  server.on('upgrade', (request, socket, head) => {
    const refusal = refuse(request, token);
    if (refusal !== null) {
      log(`refused a connection: ${refusal.why}`);
      rejectUpgrade(socket, refusal.status);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (accepted) => {
      // A protocol error closes the socket by itself; without a listener it would end the process.
      accepted.on('error', (error) => log(`a connection failed: ${error.message}`));
      keepAlive(accepted);
      serveSession(engine, createWebSocketPort(accepted));
    });
  });

  await listen(server, options.port ?? 0);
  const origin = `http://${address}:${(server.address() as AddressInfo).port}`;
  return {
    url: `${origin}/#token=${token}`,
    origin,
    token,
    issueUrl: () => `${origin}${ticketPath}${tickets.issue()}`,
    close: () => close(server, sockets),
  };
}

function securityHeaders(host: string | undefined): readonly [string, string][] {
  return [
    ['content-security-policy', contentSecurityPolicy([`ws://${host}`])],
    ['x-content-type-options', 'nosniff'],
    ['referrer-policy', 'no-referrer'],
    ['cross-origin-opener-policy', 'same-origin'],
    ['cross-origin-resource-policy', 'same-origin'],
  ];
}

function refuse(request: IncomingMessage, token: string): { status: string; why: string } | null {
  if (request.url !== webSocketPath) return { status: '404 Not Found', why: 'it asks for another path' };
  if (!hasLoopbackHost(request)) return { status: '403 Forbidden', why: `it names the host "${request.headers.host}"` };
  if (!hasOwnOrigin(request)) return { status: '403 Forbidden', why: `its origin is "${request.headers.origin}"` };
  if (!hasToken(request, token)) return { status: '401 Unauthorized', why: 'it lacks the token' };
  return null;
}

function rejectUpgrade(socket: Duplex, status: string): void {
  socket.on('error', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === 'EADDRINUSE';
      reject(
        new FirstlightError(
          taken ? 'CONFLICT' : 'BAD_INPUT',
          taken ? `Port ${port} is taken by another program.` : `Port ${port} cannot be used.`,
          { cause, hint: 'Choose another with --port, or leave it out to get a free one.' },
        ),
      );
    });
    server.listen(port, address, resolve);
  });
}

/** RFC 6455: the endpoint goes away. */
const goingAway = 1001;

async function close(server: Server, sockets: WebSocketServer): Promise<void> {
  const stopped = new Promise<void>((resolve) => server.close(() => resolve()));
  for (const socket of sockets.clients) drop(socket, goingAway, 'the host ends');
  server.closeIdleConnections();
  // A page download in progress does not delay the end.
  const timer = setTimeout(() => server.closeAllConnections(), 1000);
  await stopped;
  clearTimeout(timer);
}
