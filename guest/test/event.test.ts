/** The events that guest/http makes of requests, beside what Node.js reads in the same bytes. */
import { execFileSync } from 'node:child_process';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createHostCompiler } from './compile-for-host.ts';

const compiler = createHostCompiler();
let program: string;
let seen: IncomingHttpHeaders | null = null;
const server = createServer((request, response) => {
  seen = request.headers;
  response.end();
});

beforeAll(async () => {
  const sources = ['test/host/event.c', ...['buffer', 'request', 'event'].map((name) => `http/${name}.c`)];
  program = compiler.link(
    'event',
    sources.map((source) => compiler.compile(source, `${source.replaceAll('/', '-')}.o`, ['-D_GNU_SOURCE='])),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  server.close();
  compiler.remove();
});

const eventOf = (request: string): { headers: unknown } =>
  JSON.parse(execFileSync(program, { input: request, encoding: 'utf8' }));

async function headersInNode(request: string): Promise<IncomingHttpHeaders | null> {
  seen = null;
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.end(request);
  for await (const _chunk of socket);
  return seen;
}

/** Every header whose repetition Node.js treats in a way of its own, and some that it does not know. */
const repeated = [
  ...['Age', 'Authorization', 'Content-Type', 'ETag', 'Expires', 'From', 'If-Modified-Since', 'If-Unmodified-Since'],
  ...['Last-Modified', 'Location', 'Max-Forwards', 'Proxy-Authorization', 'Referer', 'Retry-After', 'Server'],
  ...['User-Agent', 'Cookie', 'X-Forwarded-For', 'X-Custom', 'Accept', 'Accept-Encoding', 'Cache-Control', 'Via'],
  ...['Date', 'If-None-Match', 'Origin', 'Vary', 'Forwarded', 'constructor'],
];

it.each(repeated)('a second %s becomes what Node.js makes of it', async (name) => {
  const lines = [`${name}: one`, 'A: b', `${name.toUpperCase()}: two`, `${name}:`, `${name}: three, "four"`];
  const request = `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${lines.join('\r\n')}\r\n\r\n`;
  const inNode = await headersInNode(request);
  expect(inNode).toMatchObject({ a: 'b' });
  expect(eventOf(request).headers).toEqual(inNode);
});

it('has one content type, by which the body was read', () => {
  const lines = ['Content-Type: application/json', 'Content-Type: text/plain', 'Content-Length: 2'];
  expect(eventOf(`POST / HTTP/1.1\r\nHost: a\r\n${lines.join('\r\n')}\r\n\r\n{}`)).toMatchObject({
    headers: { 'content-type': 'application/json' },
    body: {},
  });
});
