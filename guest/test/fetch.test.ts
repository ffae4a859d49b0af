/** A guest that calls out by `fetch`, to servers on the host's loopback interface and by a name server of the test's own. */
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildGuest } from '../../build/guest.mjs';
import { bundleIn } from './bundle.ts';
import { Functions } from './functions.ts';
import type { Machine } from './machine.ts';
import { type NameServer, nameServerAddress, openNameServer } from './name-server.ts';

const { networkKernelPath } = await buildGuest({ log: console.error });

/** Fetches what the event says, several at once, and tells what came of each. */
const source = `
const tell = async ({ url, abortMs, ...init }: any) => {
  try {
    const signal = abortMs === undefined ? undefined : AbortSignal.timeout(abortMs);
    const response = await fetch(url, { ...init, signal });
    const { status, redirected } = response;
    return { status, redirected, url: response.url, headers: Object.fromEntries(response.headers), text: await response.text() };
  } catch (error: any) {
    return { error: error.name + ': ' + error.message, code: error.cause?.code, cause: error.cause?.message };
  }
};
const size = async ({ url }: any) => (await (await fetch(url)).bytes()).length;
export default (event: any) => event.size ? size(event) : event.all ? Promise.all(event.all.map(tell)) : tell(event);
`;

type Answering = (request: IncomingMessage, response: ServerResponse, body: string) => void;

const answers: Record<string, Answering> = {
  '/hello': (request, response, body) => {
    response.setHeader('x-method', request.method ?? '');
    response.setHeader('set-cookie', ['a=1', 'b=2']);
    response.end(JSON.stringify({ headers: request.headers, body }));
  },
  '/chunked': (_, response) => {
    response.write('one ');
    setImmediate(() => response.end('two'));
  },
  '/none': (_, response) => response.writeHead(204).end(),
  '/missing': (_, response) => response.writeHead(404).end('not here'),
  '/see': (request, response, body) =>
    response.writeHead(303, { location: `/after?was=${request.method}&sent=${body}` }).end(),
  '/keep': (_, response) => response.writeHead(307, { location: '/hello' }).end(),
  '/round': (_, response) => response.writeHead(302, { location: '/round' }).end(),
  '/safe': (_, response) => response.writeHead(301, { location: 'https://example.org/' }).end(),
  '/after': (request, response) => response.end(`${request.method} ${request.url}`),
  '/zipped': (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'),
  '/large': (request, response) => response.end(Buffer.alloc(Number(request.url?.split('=')[1]), 'x')),
  '/never': () => undefined,
};

async function serveHttp(): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => answers[request.url?.split('?')[0] ?? '']?.(request, response, body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

/** A server that answers any request with these bytes, and keeps its connection or closes it. */
async function serveBytes(
  bytes: string,
  ends: boolean,
): Promise<{ readonly port: number; readonly close: () => void }> {
  const sockets: Socket[] = [];
  const server = createTcpServer((socket) => {
    sockets.push(socket.on('error', () => undefined));
    socket.once('data', () => (ends ? socket.end(bytes, 'latin1') : socket.write(bytes, 'latin1')));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { port: (server.address() as AddressInfo).port, close };
}

const functions = new Functions();
let home: string;
let guest: Machine;
let web: Awaited<ReturnType<typeof serveHttp>>;
let names: NameServer;

/** The network of an image. */
const network = {
  ...{ address: '10.0.2.15', netmask: '255.255.255.0', gateway: '10.0.2.2', ports: [8080], timeoutMs: 5000 },
  nameserver: nameServerAddress,
};

/** What came of one fetch. */
async function fetched(path: string, init: object = {}, host = '10.0.2.2') {
  return JSON.parse(await guest.answer({ url: `http://${host}:${web.port}${path}`, ...init }, { deadlineMs: 60_000 }));
}

const fetchedFrom = async (port: number) =>
  JSON.parse(await guest.answer({ url: `http://10.0.2.2:${port}/` }, { deadlineMs: 60_000 }));

describe.skipIf(networkKernelPath === null)('fetch (needs the source of lwIP: node build/lwip.mjs)', () => {
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'fl-fetch-'));
    const ember = { network: { kind: 'user', outbound: true } };
    await writeFile(join(home, 'firstlight.json'), JSON.stringify({ name: 'calls', ember }));
    web = await serveHttp();
    names = await openNameServer({ 'service.test': '10.0.2.2' });
    guest = await functions.boot(await bundleIn(home, source), {
      network,
      extra: names.qemuArgs,
    });
    await guest.hello();
  });
  afterAll(async () => {
    await functions.close();
    names?.close();
    web?.server.closeAllConnections();
    web?.server.close();
    await rm(home, { recursive: true, force: true });
  });

  it('gets by address', async () => {
    const answer = await fetched('/hello?a=b');
    expect(answer).toMatchObject({ status: 200, redirected: false, url: `http://10.0.2.2:${web.port}/hello?a=b` });
    expect(answer.headers).toMatchObject({ 'x-method': 'GET', 'set-cookie': 'b=2' });
    expect(JSON.parse(answer.text)).toMatchObject({ headers: { host: `10.0.2.2:${web.port}` }, body: '' });
  });

  it('gets by name', async () => {
    expect(await fetched('/after', {}, 'service.test')).toMatchObject({ status: 200, text: 'GET /after' });
    expect(names.asked).toEqual(['service.test']);
    expect(await fetched('/after', {}, 'unknown.test')).toMatchObject({
      error: 'TypeError: fetch failed',
      code: 'ENOTFOUND',
      cause: expect.stringContaining('unknown.test'),
    });
  });

  it('sends methods, headers and bodies', async () => {
    const answer = await fetched('/hello', {
      method: 'POST',
      headers: { 'X-Own': 'é', 'content-length': '1', 'content-type': 'text/x' },
      body: 'héllo',
    });
    const { headers, body } = JSON.parse(answer.text);
    expect(answer.headers['x-method']).toBe('POST');
    expect(headers).toMatchObject({ 'x-own': 'é', 'content-length': '6', 'content-type': 'text/x', accept: '*/*' });
    expect(body).toBe('héllo');
    expect((await fetched('/hello', { method: 'HEAD' })).text).toBe('');
    expect((await fetched('/hello', { method: 'PATCH' })).headers['x-method']).toBe('PATCH');
  });

  it('reads bodies by length, in chunks and up to the end of the connection, or none', async () => {
    expect(await fetched('/chunked')).toMatchObject({ status: 200, text: 'one two' });
    expect(await fetched('/none')).toMatchObject({ status: 204, text: '' });
    expect(await fetched('/missing')).toMatchObject({ status: 404, text: 'not here' });
    const large = { size: true, url: `http://10.0.2.2:${web.port}/large?n=400000` };
    expect(await guest.answer(large, { deadlineMs: 60_000 })).toBe('400000');
    const open = await serveBytes('HTTP/1.0 200 OK\r\nX-A: \xe9\r\n\r\nto the end', true);
    expect(await fetchedFrom(open.port)).toMatchObject({ status: 200, headers: { 'x-a': 'é' }, text: 'to the end' });
    open.close();
  });

  it('follows redirects, or not', async () => {
    const see = await fetched('/see', { method: 'POST', body: 'x' });
    expect(see).toMatchObject({ redirected: true, text: 'GET /after?was=POST&sent=x' });
    const kept = await fetched('/keep', { method: 'PUT', body: 'y' });
    expect(kept).toMatchObject({
      redirected: true,
      headers: { 'x-method': 'PUT' },
      url: expect.stringMatching(/hello$/),
    });
    expect(JSON.parse(kept.text).body).toBe('y');
    expect(await fetched('/keep', { redirect: 'manual' })).toMatchObject({
      status: 307,
      headers: { location: '/hello' },
    });
    expect(await fetched('/keep', { redirect: 'error' })).toMatchObject({ code: 'EREDIRECT' });
    expect(await fetched('/round')).toMatchObject({ cause: expect.stringContaining('more than 20 times') });
    expect(await fetched('/safe')).toMatchObject({ cause: expect.stringContaining('HTTP only, not HTTPS') });
  });

  it('has several under way at once, more than it has places for', async () => {
    const all = Array.from({ length: 40 }, (_, at) => ({ url: `http://10.0.2.2:${web.port}/after?at=${at}` }));
    const answers = JSON.parse(await guest.answer({ all }, { deadlineMs: 60_000 })) as { text: string }[];
    expect(answers.map(({ text }) => text)).toEqual(all.map((_, at) => `GET /after?at=${at}`));
  });

  it('says why there is no response', async () => {
    const closed = await serveBytes('', true);
    closed.close();
    expect(await fetchedFrom(closed.port)).toMatchObject({ error: 'TypeError: fetch failed', code: 'ECONNREFUSED' });
    for (const [bytes, ends, code] of [
      ['', true, 'ECONNRESET'],
      ['HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf', true, 'ECONNRESET'],
      ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf', true, 'ECONNRESET'],
      ['HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n', false, 'EPROTO'],
      ['HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', false, 'EPROTO'],
      ['HTTP/1.1 200 OK\r\nA: 1\n2\r\nContent-Length: 0\r\n\r\n', false, 'EPROTO'],
      ['SSH-2.0-OpenSSH_9.2 and more of it\r\n\r\n', false, 'EPROTO'],
      ['HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n', false, 'EMSGSIZE'],
      [`HTTP/1.1 200 OK\r\n${'A: 1234567\r\n'.repeat(4000)}`, false, 'EMSGSIZE'],
    ] as const) {
      const server = await serveBytes(bytes, ends);
      expect(await fetchedFrom(server.port), bytes.slice(0, 60)).toMatchObject({
        error: 'TypeError: fetch failed',
        code,
      });
      server.close();
    }
    expect(await fetched('/zipped')).toMatchObject({ code: 'EPROTO', cause: expect.stringContaining('gzip') });
  });

  it('refuses what it cannot reach, with what to do', async () => {
    for (const [url, words] of [
      ['https://example.org/', 'runtime with Node.js'],
      ['ftp://example.org/', 'http: addresses only'],
      ['http://localhost/', '10.0.2.2'],
      ['http://127.0.0.1:80/', '10.0.2.2'],
      ['http://[::1]/', 'IPv4'],
      ['http://user:secret@example.org/', 'no user name'],
    ])
      expect(JSON.parse(await guest.answer({ url })), url).toMatchObject({
        cause: expect.stringContaining(words ?? ''),
      });
  });

  it('says so in a machine without a network card', async () => {
    const alone = await functions.boot(await bundleIn(home, source), { network });
    await alone.hello();
    expect(JSON.parse(await alone.answer({ url: 'http://10.0.2.2/' }, { deadlineMs: 60_000 }))).toEqual({
      error: 'TypeError: fetch failed',
      code: 'ENETDOWN',
      cause: '10.0.2.2: the machine has no network card.',
    });
  });

  it('fails at the top level of a module, which runs when the image is built', async () => {
    const early = "const early = await fetch('http://10.0.2.2/');\nexport default () => early.status;";
    await expect(functions.bake(await bundleIn(home, early), 64, {}, network)).rejects.toMatchObject({
      code: 'EVALUATION_THREW',
      message: expect.stringContaining('Fetch in the handler.'),
    });
  });

  it('ends by its signal, and leaves the guest as it was', async () => {
    for (let i = 0; i < 20; i++)
      expect(await fetched('/never', { abortMs: 1 })).toMatchObject({ error: expect.stringMatching(/^TimeoutError/) });
    expect(await fetched('/after')).toMatchObject({ text: 'GET /after' });
  });

  it('ends with the time of its invocation, and the next one finds the places free', async () => {
    for (let i = 0; i < 2; i++) {
      const all = Array.from({ length: 20 }, () => ({ url: `http://10.0.2.2:${web.port}/never` }));
      expect(await guest.fails({ all }, { deadlineMs: 1000 })).toMatchObject({ code: 'TIMEOUT' });
    }
    expect(await fetched('/after')).toMatchObject({ text: 'GET /after' });
  });
});
