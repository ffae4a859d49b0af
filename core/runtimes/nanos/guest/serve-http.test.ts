import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFunctionServers, type FunctionServer } from '../testing/function-server.ts';

const servers = createFunctionServers();
let guest: FunctionServer;

beforeAll(async () => {
  guest = await servers.start(`export default (event) => {
    switch (event.path) {
      case '/echo': return event;
      case '/length': return { length: event.body.length };
      case '/text': return { status: 201, headers: { 'x-a': 'b' }, body: 'héllo' };
      case '/bytes': return { body: new Uint8Array([0, 255, 1]) };
      case '/big': return { body: new Uint8Array(16 << 20).fill(7) };
      case '/none': return undefined;
      case '/header': return { headers: { 'x-a': 'line\\nbreak' }, body: '' };
      case '/name': return { headers: { 'a b': '1' }, body: '' };
      case '/cookies': return new Response('', { headers: [['set-cookie', 'a=1'], ['set-cookie', 'b=2']] });
      case '/interim': return { status: 101, body: '' };
      case '/throw': throw new Error('as asked');
      default: return event.path;
    }
  };`);
});
afterAll(async () => {
  await servers.stopAll();
  servers.close();
});

const at = (path: string, init?: RequestInit) => fetch(new URL(path, guest.url), init);

describe('plain HTTP to a function', () => {
  it.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('takes %s', async (method) => {
    const body = method === 'GET' ? null : '{"a":[1,"é"]}';
    const headers = { 'content-type': 'application/json; charset=utf-8', 'X-Custom': 'yes' };
    const answer = await at('/echo?a=1&b=%C3%A9+x', { method, body, headers });
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(await answer.json()).toMatchObject({
      method,
      path: '/echo',
      query: { a: '1', b: 'é x' },
      headers: { 'x-custom': 'yes' },
      body: body === null ? null : { a: [1, 'é'] },
    });
  });

  it('takes text, what only says that it is JSON, and HEAD', async () => {
    const send = async (type: string, body: string) => {
      const answer = await at('/echo', { method: 'POST', headers: { 'content-type': type }, body });
      return ((await answer.json()) as { body: unknown }).body;
    };
    expect(await send('text/plain', '{"a":1}')).toBe('{"a":1}');
    expect(await send('application/json', '{"a":')).toBe('{"a":');
    expect(await send('application/vnd.x+json', '[1]')).toEqual([1]);
    const head = await at('/text', { method: 'HEAD' });
    expect([head.status, head.headers.get('x-a'), await head.text()]).toEqual([201, 'b', '']);
  });

  it('gives text, bytes, nothing, and errors', async () => {
    const text = await at('/text');
    expect([text.status, text.headers.get('x-a'), await text.text()]).toEqual([201, 'b', 'héllo']);
    expect([...new Uint8Array(await (await at('/bytes')).arrayBuffer())]).toEqual([0, 255, 1]);
    const none = await at('/none');
    expect([none.status, await none.text()]).toEqual([204, '']);
    const thrown = await at('/throw');
    expect([thrown.status, await thrown.json()]).toEqual([500, { error: 'Error: as asked' }]);
  });

  it('sends each cookie in a line of its own, and refuses a status that is not final', async () => {
    expect((await at('/cookies')).headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    const interim = await at('/interim');
    expect([interim.status, await interim.json()]).toEqual([
      500,
      { error: expect.stringContaining('from 200 to 599') },
    ]);
  });

  it('takes any path as it is', async () => {
    expect(await guest.raw(['GET // HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'])).toContain('"//"');
    expect(await guest.raw(['GET /a/../b%20c?x?y HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'])).toContain(
      '"/a/../b%20c"',
    );
  });

  it('takes and gives 16 MiB, and refuses more than 64 with an answer', async () => {
    const body = 'é'.repeat(8 << 20);
    const length = await at('/length', { method: 'POST', body });
    expect(await length.json()).toEqual({ length: 8 << 20 });
    const big = Buffer.from(await (await at('/big')).arrayBuffer());
    expect(big.equals(Buffer.alloc(16 << 20, 7))).toBe(true);
    const head = `POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: ${(64 << 20) + 1}\r\n\r\n`;
    const socket = connect(guest.port, '127.0.0.1');
    socket.write(head);
    const chunk = Buffer.alloc(1 << 20, 'x');
    for (let i = 0; i < 64; i++) socket.write(chunk);
    socket.write('x');
    const first = await new Promise((resolve) => socket.once('data', (data: Buffer) => resolve(data.toString())));
    expect(first).toMatch(/^HTTP\/1\.1 413 /);
    socket.destroy();
  });

  it('reports a header that cannot be sent', async () => {
    for (const path of ['/header', '/name']) {
      const answer = await at(path);
      expect([answer.status, await answer.json()]).toEqual([500, { error: expect.stringMatching(/header/i) }]);
    }
  });

  it('is none the worse for a client that goes away, or speaks no HTTP', async () => {
    expect(await guest.raw(['POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nab'], { end: true })).toMatch(
      /^(HTTP\/1\.1 400|$)/,
    );
    expect(await guest.raw(['what is this\r\n\r\n'])).toMatch(/^HTTP\/1\.1 400/);
    const socket = connect(guest.port, '127.0.0.1');
    socket.write('POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nab');
    await new Promise((resolve) => setTimeout(resolve, 20));
    socket.resetAndDestroy();
    expect((await at('/text')).status).toBe(201);
  });
});
