import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { Engine } from '#shared/contract/index.ts';
import { tokenProtocol, webSocketPath, webSocketProtocol } from '#shared/contract/ws-codec.ts';
import { type Host, startHost } from './start-host.ts';

/** The tests here never reach a call. */
const engine = { calls: {}, streams: {}, listen: () => () => undefined } as unknown as Engine;

let dir: string;
let host: Host;
const lines: string[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'firstlight-host-'));
  await mkdir(join(dir, 'renderer/assets'), { recursive: true });
  await writeFile(join(dir, 'secret.txt'), 'secret');
  await writeFile(join(dir, 'renderer/index.html'), '<!doctype html>studio');
  await writeFile(join(dir, 'renderer/assets/index-1a2b.js'), 'export {};');
  await symlink(join(dir, 'secret.txt'), join(dir, 'renderer/link.txt'));
  host = await startHost({ engine, rendererDir: join(dir, 'renderer'), roots: ['/'], log: (line) => lines.push(line) });
});
afterAll(async () => {
  await host.close();
  await rm(dir, { recursive: true });
});

/** A request whose path and headers are sent as they are written here; `fetch` would repair them. */
function get(path: string, headers: Record<string, string> = {}, method = 'GET') {
  return new Promise<{ status: number; headers: Record<string, unknown>; body: string }>((resolve, reject) => {
    const request = httpRequest(host.origin, { path, method, headers }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    request.on('error', reject).end();
  });
}

describe('slow connections', () => {
  const closed = (socket: Socket) => new Promise<void>((resolve) => socket.on('close', () => resolve()));
  const strict = (more: object) =>
    startHost({ engine, rendererDir: join(dir, 'renderer'), roots: ['/'], log: () => undefined, ...more });

  test.each([
    ['sends nothing', ''],
    ['sends half a request', 'GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nx-slow: '],
    ['keeps a body back', 'POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 10\r\n\r\n'],
  ])('one that %s is closed', async (_, words) => {
    const own = await strict({ slowMs: 100 });
    try {
      const socket = connect(Number(new URL(own.origin).port), '127.0.0.1');
      socket.write(words);
      socket.on('data', () => undefined).on('error', () => undefined);
      await closed(socket);
      expect(socket.destroyed).toBe(true);
    } finally {
      await own.close();
    }
  });

  test('their number is bounded', async () => {
    const own = await strict({ maxConnections: 2 });
    try {
      const port = Number(new URL(own.origin).port);
      const sockets = [1, 2, 3].map(() => connect(port, '127.0.0.1').on('error', () => undefined));
      const ended = await Promise.race(sockets.map((socket, index) => closed(socket).then(() => index)));
      expect(sockets[ended]?.destroyed).toBe(true);
      expect(sockets.filter((socket) => !socket.destroyed)).toHaveLength(2);
      for (const socket of sockets) socket.destroy();
    } finally {
      await own.close();
    }
  });
});

describe('pages', () => {
  test('the root is index.html, never cached, under a strict policy', async () => {
    const answer = await get('/');
    expect(answer).toMatchObject({ status: 200, body: '<!doctype html>studio' });
    expect(answer.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
    });
    const policy = String(answer.headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'; script-src 'self';");
    expect(policy).toContain(`connect-src 'self' ${host.origin.replace('http', 'ws')}`);
    expect(policy).not.toContain('unsafe-eval');
  });

  test('hashed assets are cached for good', async () => {
    const answer = await get('/assets/index-1a2b.js');
    expect(answer.status).toBe(200);
    expect(answer.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect(answer.headers['content-type']).toBe('text/javascript; charset=utf-8');
  });

  test.each([
    '/../secret.txt',
    '/assets/../../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/..%5csecret.txt',
    '//etc/passwd',
    '/link.txt',
    '/assets',
    '/assets/',
    '/%00',
    '/%zz',
    '/absent.js',
  ])('%s is not found', async (path) => {
    expect(await get(path)).toMatchObject({ status: 404, body: 'Not found\n' });
  });

  test('HEAD has no body, other methods are refused', async () => {
    expect(await get('/', {}, 'HEAD')).toMatchObject({ status: 200, body: '' });
    expect(await get('/', {}, 'POST')).toMatchObject({ status: 405 });
  });

  test('a request under another name (a rebound domain) is refused', async () => {
    for (const name of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example']) {
      expect(await get('/', { host: name })).toMatchObject({ status: 403 });
    }
    expect(await get('/', { host: 'localhost:9' })).toMatchObject({ status: 200 });
  });

  test('an issued URL leads to the token once', async () => {
    const path = new URL(host.issueUrl()).pathname;
    expect(path).not.toContain(host.token);
    const first = await get(path);
    expect(first).toMatchObject({
      status: 302,
      headers: { location: `/#token=${host.token}`, 'cache-control': 'no-store' },
    });
    const second = await get(path);
    expect(second.status).toBe(410);
    expect(second.headers).not.toHaveProperty('location');
  });

  test('without a build, the root says what to do', async () => {
    const empty = await startHost({ engine, rendererDir: join(dir, 'none'), roots: ['/'], log: () => undefined });
    const answer = await fetch(empty.origin);
    expect(answer.status).toBe(503);
    expect(await answer.text()).toContain('npm start');
    await empty.close();
  });
});

describe('connections', () => {
  /** Resolves with `open` or the status the host refused with. */
  const dial = (options: { path?: string; protocols?: string[]; headers?: Record<string, string> }) =>
    new Promise<string | number>((resolve) => {
      const { path = webSocketPath, protocols = [webSocketProtocol, tokenProtocol(host.token)] } = options;
      const headers = { origin: host.origin, ...options.headers };
      const socket = new WebSocket(`${host.origin.replace('http', 'ws')}${path}`, protocols, { headers });
      socket.on('open', () => {
        resolve('open');
        socket.close();
      });
      socket.on('unexpected-response', (_, response) => resolve(response.statusCode ?? 0));
      socket.on('error', () => undefined);
    });

  test('the token opens one', async () => {
    expect(await dial({})).toBe('open');
    const port = new URL(host.origin).port;
    expect(await dial({ headers: { host: `localhost:${port}`, origin: `http://localhost:${port}` } })).toBe('open');
  });

  test('no token, a wrong one or a part of it does not', async () => {
    expect(await dial({ protocols: [webSocketProtocol] })).toBe(401);
    expect(await dial({ protocols: [webSocketProtocol, tokenProtocol('0'.repeat(64))] })).toBe(401);
    expect(await dial({ protocols: [webSocketProtocol, tokenProtocol(host.token.slice(0, 32))] })).toBe(401);
  });

  test('another origin, another host or another path does not', async () => {
    expect(await dial({ headers: { origin: 'http://evil.example' } })).toBe(403);
    expect(await dial({ headers: { origin: 'null' } })).toBe(403);
    expect(await dial({ headers: { origin: 'http://127.0.0.1:1' } })).toBe(403);
    expect(await dial({ headers: { host: 'evil.example', origin: 'http://evil.example' } })).toBe(403);
    expect(await dial({ path: '/' })).toBe(404);
  });

  test('refusals are logged without the token', () => {
    expect(lines).toContain('refused a connection: it lacks the token');
    expect(lines.join('\n')).not.toContain(host.token);
  });

  test('a frame over the limit and a frame too short end the connection, not the host', async () => {
    for (const frame of [Buffer.alloc(33 * 1024 * 1024), Buffer.alloc(3)]) {
      const socket = new WebSocket(
        `${host.origin.replace('http', 'ws')}${webSocketPath}`,
        [webSocketProtocol, tokenProtocol(host.token)],
        { origin: host.origin },
      );
      socket.on('error', () => undefined);
      socket.on('open', () => socket.send(frame));
      const code = await new Promise((resolve) => socket.on('close', resolve));
      expect([1002, 1006, 1009]).toContain(code);
    }
    expect(await dial({})).toBe('open');
  });
});

test('it listens on loopback only', async () => {
  const port = Number(new URL(host.origin).port);
  const refused = await new Promise((resolve) => {
    // 127.0.0.2 is loopback too, yet not the address we bind: a wildcard listener would answer here.
    const socket = connect(port, '127.0.0.2');
    socket.on('connect', () => resolve(false));
    socket.on('error', () => resolve(true));
  });
  expect(refused).toBe(true);
});

test('a port that is taken is a clear error', async () => {
  const port = Number(new URL(host.origin).port);
  const second = startHost({ engine, rendererDir: dir, roots: ['/'], port, log: () => undefined });
  await expect(second).rejects.toMatchObject({
    code: 'CONFLICT',
    message: `Port ${port} is taken by another program.`,
  });
});

test('each host has its own token of 256 bits, in the fragment only', async () => {
  const other = await startHost({ engine, rendererDir: dir, roots: ['/'], log: () => undefined });
  expect(other.token).toMatch(/^[0-9a-f]{64}$/);
  expect(other.token).not.toBe(host.token);
  expect(new URL(other.url)).toMatchObject({ hash: `#token=${other.token}`, search: '', hostname: '127.0.0.1' });
  await other.close();
});
