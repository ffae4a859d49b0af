import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import type { Json } from '#shared/model/json.ts';
import { playInstance } from '../testing/instance-link.ts';
import { openNanosSession } from './nanos-session.ts';

type Handle = (asked: IncomingMessage, answer: ServerResponse) => void | Promise<void>;

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(handle: Handle, port = 0): Promise<number> {
  const server = createServer((asked, answer) => void handle(asked, answer));
  servers.push(server);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
async function open(handle: Handle) {
  const instance = playInstance({ kind: 'http', port: await serve(handle) }, { fresh: false });
  return { ...instance, session: openNanosSession(instance.link) };
}
const request = (event: Json = {}, timeoutMs = 20_000) => ({ event, timeoutMs });
/** The request that a program gets for an event. */
async function sent(event: Json) {
  const { session } = await open(async (asked, answer) => {
    const { method, url, headers } = asked;
    answer.setHeader('content-type', 'application/json');
    answer.end(JSON.stringify({ method, url, headers, body: (await buffer(asked)).toString() }));
  });
  const { outcome } = await session.invoke(request(event));
  if (!outcome.ok || outcome.response.body.kind !== 'json') throw new Error(JSON.stringify(outcome));
  return outcome.response.body.value;
}

describe('an event for a program', () => {
  it('in the shape of a request is sent as that', async () => {
    expect(await sent({ method: 'GET', path: '/' })).toMatchObject({ method: 'GET', url: '/', body: '' });
    expect(await sent({ path: '/a', query: { b: 'c d', e: '&é' } })).toMatchObject({ url: '/a?b=c+d&e=%26%C3%A9' });
    expect(await sent({ path: '/a?x=1', query: { y: 2 } })).toMatchObject({ url: '/a?x=1&y=2' });
    expect(await sent({ method: 'PUT', path: '/', body: { a: 'é' } })).toMatchObject({
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: '{"a":"é"}',
    });
    expect(await sent({ method: 'POST', body: 'text', headers: { 'X-A': 1, 'Content-Type': 'a/b' } })).toMatchObject({
      headers: { 'x-a': '1', 'content-type': 'a/b' },
      body: 'text',
    });
    expect(await sent({ method: 'DELETE', path: '/x', query: null, headers: null, body: null })).toMatchObject({
      method: 'DELETE',
    });
  });

  it('keeps what was escaped, escapes what must be, and says how long its body is', async () => {
    expect(await sent({ path: '/a%20b/é ü/%zz/"<>' })).toMatchObject({ url: '/a%20b/%C3%A9%20%C3%BC/%zz/%22%3C%3E' });
    expect(await sent({ path: 'no/slash' })).toMatchObject({ url: '/no/slash' });
    expect(await sent({ path: '/half\ud800' })).toMatchObject({ url: '/half%EF%BF%BD' });
    const copied = { method: 'POST', headers: { 'Content-Length': '1000' }, body: 'short' };
    expect(await sent(copied)).toMatchObject({ headers: { 'content-length': '5' }, body: 'short' });
  });

  it('of any other shape is posted', async () => {
    for (const event of [{ name: 'Ada' }, { method: 'GET', more: 1 }, { body: 1 }, [1], 'text', null, {}] as Json[]) {
      expect(await sent(event)).toMatchObject({ method: 'POST', url: '/', body: JSON.stringify(event) });
    }
  });

  it('that HTTP cannot carry is refused, and the instance is none the worse', async () => {
    const { session } = await open((_, answer) => void answer.end('fine'));
    for (const event of [
      { method: 'NO METHOD' },
      { path: '/', headers: { 'a b': '1' } },
      { path: '/', headers: { a: 'line\nbreak' } },
    ]) {
      expect((await session.invoke(request(event))).outcome).toMatchObject({
        fatal: false,
        error: { code: 'BAD_INPUT' },
      });
    }
    expect((await session.invoke(request())).outcome.ok).toBe(true);
  });
});

describe('a program’s answer', () => {
  it.each<[string, string | undefined, Buffer, object]>([
    ['JSON', 'application/json; charset=utf-8', Buffer.from('{"a":1}'), { kind: 'json', value: { a: 1 } }],
    ['what only says so', 'application/json', Buffer.from('{"a":'), { kind: 'text', value: '{"a":' }],
    ['text', 'text/html', Buffer.from('<p>é'), { kind: 'text', value: '<p>é' }],
    ['text of no type', undefined, Buffer.from('plain'), { kind: 'text', value: 'plain' }],
    ['bytes of no type', undefined, Buffer.from([255, 0]), { kind: 'bytes', base64: '/wA=' }],
    ['bytes', 'image/png', Buffer.from('a'), { kind: 'bytes', base64: 'YQ==' }],
    ['nothing', 'text/plain', Buffer.alloc(0), { kind: 'text', value: '' }],
  ])('is %s', async (_, type, body, expected) => {
    const { session } = await open((_asked, answer) => {
      answer.writeHead(203, type === undefined ? {} : { 'content-type': type });
      answer.end(body);
    });
    const { outcome, sentAtNs, receivedAtNs } = await session.invoke(request());
    expect(outcome).toMatchObject({ ok: true, response: { status: 203, body: expected, bytes: body.length } });
    expect(receivedAtNs).toBeGreaterThan(sentAtNs);
  });

  it('is refused when it is too long, and the instance is none the worse', async () => {
    const { session } = await open((asked, answer) => {
      if (asked.url === '/short') return void answer.end('short');
      const chunk = Buffer.alloc(1 << 20);
      const more = () => void (!answer.destroyed && answer.write(chunk, more));
      more();
    });
    const { outcome } = await session.invoke(request({ path: '/' }));
    expect(outcome).toMatchObject({ fatal: false, error: { code: 'RESPONSE_NOT_SERIALIZABLE' } });
    expect((await session.invoke(request({ path: '/short' }))).outcome.ok).toBe(true);
  });

  it.each([
    ['SSH-2.0-x\r\n', 'a', '"SSH-2.0-x\\r\\n"'],
    [
      'HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n',
      'a header',
      '"HTTP/1.1 200 OK\\r\\ncontent-length: x\\r\\n\\r\\n"',
    ],
    ['\x15\x03\x01\0\x02\x02\x46"\\\xff', 'TLS', '"\\x15\\x03\\x01\\x00\\x02\\x02F\\"\\\\\\xff"'],
    // Too short for a parser to find fault with.
    ['H', 'a part of a word', '"H"'],
    ['ha'.repeat(500), 'much', `"${'ha'.repeat(24)}" …`],
  ])('%j is not HTTP (%s): the error shows how it begins, and the instance goes on', async (bytes, _, shown) => {
    const { session } = await open((asked, answer) => {
      if (asked.url === '/whole') return void answer.end('whole');
      asked.socket.end(Buffer.from(bytes, 'latin1'));
    });
    expect((await session.invoke(request({ path: '/' }))).outcome).toMatchObject({
      fatal: false,
      error: {
        code: 'RESPONSE_NOT_SERIALIZABLE',
        message: expect.stringContaining(`What the program answers is not HTTP. It begins with ${shown}`),
      },
    });
    expect((await session.invoke(request({ path: '/whole' }))).outcome.ok).toBe(true);
  });

  it('that breaks off is an error of its own as long as the program is there', async () => {
    const { session, end } = await open((asked, answer) => {
      if (asked.url === '/whole') return void answer.end('whole');
      if (asked.url === '/nothing') return void asked.socket.destroy();
      if (asked.url === '/headers') return void asked.socket.end('HTTP/1.1 200 OK\r\ncontent-le');
      answer.writeHead(200, { 'content-length': '100' });
      answer.write('part', () => asked.socket.destroy());
    });
    expect((await session.invoke(request({ path: '/whole' }))).outcome.ok).toBe(true);
    const broken = { ok: false, fatal: false, error: { code: 'CHANNEL_BROKEN' } };
    expect((await session.invoke(request({ path: '/part' }))).outcome).toMatchObject(broken);
    expect((await session.invoke(request({ path: '/nothing' }))).outcome).toMatchObject(broken);
    expect((await session.invoke(request({ path: '/headers' }))).outcome).toMatchObject({
      error: { code: 'CHANNEL_BROKEN', message: 'The program broke off its answer.' },
    });
    expect((await session.invoke(request({ path: '/whole' }))).outcome.ok).toBe(true);
    const last = session.invoke(request({ path: '/part' }));
    end();
    expect((await last).outcome).toMatchObject({ ok: false, fatal: true, error: { code: 'CHANNEL_BROKEN' } });
  });

  it('is not waited for beyond its time, nor once the invocation is cancelled', async () => {
    const { session } = await open((asked, answer) => void (asked.url === '/part' && answer.write('part')));
    const late = await session.invoke(request({ path: '/' }, 30));
    expect(late.outcome).toMatchObject({ fatal: true, error: { code: 'FUNCTION_TIMEOUT' } });
    for (const path of ['/', '/part']) {
      const abort = new AbortController();
      setTimeout(() => abort.abort(), 30);
      const { outcome } = await session.invoke({ ...request({ path }), signal: abort.signal });
      expect(outcome).toMatchObject({ fatal: true, error: { code: 'CANCELLED' } });
    }
  });
});

describe('a program that boots', () => {
  /** A port of this machine that no process listens on. */
  async function freePort(): Promise<number> {
    const server = createTcpServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    return port;
  }

  it('is asked from its address on, until it listens', async () => {
    const port = await freePort();
    const { link, say } = playInstance({ kind: 'http', port });
    const session = openNanosSession(link);
    const answering = session.invoke(request());
    say('\r[0.1] en1: assigned 10.0.2.15\n');
    await session.ready;
    await new Promise((resolve) => setTimeout(resolve, 30));
    // As QEMU does where no program listens in the guest: it accepts the connection, and ends it.
    const forward = createTcpServer((socket) => void socket.destroy()).listen(port, '127.0.0.1');
    await once(forward, 'connection');
    forward.close();
    await once(forward, 'close');
    await serve((_, answer) => void answer.end('up'), port);
    const { outcome, hostMarks } = await answering;
    expect(outcome).toMatchObject({ ok: true, response: { body: { value: 'up' } } });
    expect(hostMarks?.map(({ name }) => name)).toEqual(['boot.sector', 'network.address']);
  });

  it('that does not speak HTTP is not asked again until its time is over', async () => {
    const server = createTcpServer((socket) => void socket.end('22')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { link, say } = playInstance({ kind: 'http', port: (server.address() as AddressInfo).port });
    const answering = openNanosSession(link).invoke(request());
    say('\r[0.1] en1: assigned 10.0.2.15\n');
    expect((await answering).outcome).toMatchObject({ error: { code: 'RESPONSE_NOT_SERIALIZABLE' } });
    server.close();
  });

  it('is given up on when it never listens, or ends', async () => {
    const port = await freePort();
    const silent = playInstance({ kind: 'http', port });
    const session = openNanosSession(silent.link);
    const late = session.invoke(request({}, 50));
    silent.say('\r[0.1] en1: assigned 10.0.2.15\n');
    expect((await late).outcome).toMatchObject({
      fatal: true,
      error: { code: 'FUNCTION_TIMEOUT', message: expect.stringContaining(`port ${port}`) },
    });
    const ending = playInstance({ kind: 'http', port });
    const waiting = openNanosSession(ending.link).invoke(request());
    ending.end();
    expect((await waiting).outcome).toMatchObject({ fatal: true, error: { code: 'CHANNEL_BROKEN' } });
  });
});
