/**
 * Serves plain HTTP, for any client on the host at the forwarded port. Node's HTTP is loaded with the first such
 * client.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Call } from './answer-always.ts';
import type { Outcome } from './handler.ts';

/** A request's body beyond this is refused: an event is kept whole in memory. */
const maxBodyBytes = 64 * 1024 * 1024;
let server: Promise<Server> | null = null;

/** Lets a connection be served by Node's own HTTP server. */
export async function answerHttp(socket: Socket, call: Call): Promise<void> {
  server ??= createHttpServer(call);
  (await server).emit('connection', socket);
  socket.resume();
}

async function createHttpServer(call: Call): Promise<Server> {
  const { createServer } = await import('node:http');
  return createServer(async (request, response) => {
    // A client that goes away in the middle is not a reason for the function to end.
    const body = await readAll(request).catch(() => null);
    if (body === null) return;
    if (body === 'too long') return void response.writeHead(413, { connection: 'close' }).end();
    call(eventOf(request, body), ({ outcome }) => send(response, outcome));
  });
}

async function readAll(request: IncomingMessage): Promise<Buffer | 'too long'> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // A client that sends too much gets an error before the connection ends.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) return 'too long';
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function eventOf({ method = 'GET', url = '/', headers: given }: IncomingMessage, body: Buffer): unknown {
  const [path = '/', ...search] = url.split('?');
  const headers = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, String(value)]));
  return {
    method,
    path,
    query: Object.fromEntries(new URLSearchParams(search.join('?'))),
    headers,
    body: readBody(body.toString('utf8'), headers['content-type'] ?? ''),
  };
}

function readBody(text: string, contentType: string): unknown {
  if (text === '') return null;
  if (!/\bjson\b/i.test(contentType)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function send(response: ServerResponse, outcome: Outcome): void {
  if (outcome.type === 'error') sendError(response, outcome.message);
  else if (writeHead(response, outcome)) {
    response.end(outcome.kind === 'bytes' ? Buffer.from(outcome.body, 'base64') : outcome.body);
  }
}

/** False for a header that HTTP cannot carry; the client then has an error answer. */
function writeHead(response: ServerResponse, { status, headers }: Extract<Outcome, { type: 'response' }>): boolean {
  try {
    const cookies = headers['set-cookie'];
    response.writeHead(status, cookies === undefined ? headers : { ...headers, 'set-cookie': cookies.split('\n') });
    return true;
  } catch (thrown) {
    sendError(response, thrown instanceof Error ? thrown.message : String(thrown));
    return false;
  }
}

function sendError(response: ServerResponse, message: string): void {
  response.writeHead(500, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ error: message }));
}
