/** Serves plain HTTP, as any client on the host speaks it to the forwarded port. Node's HTTP is loaded with the first such client. */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Handler } from './handler.ts';

/** A request's body beyond this is refused: an event is held in memory whole. */
const maxBodyBytes = 64 * 1024 * 1024;
let server: Promise<Server> | null = null;

/** Lets a connection be served by Node's own HTTP server. */
export async function answerHttp(socket: Socket, handler: Handler): Promise<void> {
  server ??= createHttpServer(handler);
  (await server).emit('connection', socket);
  socket.resume();
}

async function createHttpServer(handler: Handler): Promise<Server> {
  const { createServer } = await import('node:http');
  return createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxBodyBytes) return void response.writeHead(413).end();
      chunks.push(chunk);
    }
    const url = new URL(request.url ?? '/', 'http://guest');
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    const outcome = await handler({
      method: request.method ?? 'GET',
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers,
      body: readBody(Buffer.concat(chunks).toString('utf8'), headers['content-type'] ?? ''),
    });
    if (outcome.type === 'error') {
      response.writeHead(500, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: outcome.message }));
      return;
    }
    response.writeHead(outcome.status, outcome.headers);
    response.end(outcome.kind === 'bytes' ? Buffer.from(outcome.body, 'base64') : outcome.body);
  });
}

function readBody(text: string, contentType: string): unknown {
  if (text === '') return null;
  if (!/\bjson\b/.test(contentType)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
