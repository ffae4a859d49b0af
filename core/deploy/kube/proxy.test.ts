import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chooseProxy } from './choose-proxy.ts';
import { createKubeClient } from './client.ts';
import { createPluginCredentials } from './exec-credential.ts';
import { readKubeconfig } from './kubeconfig.ts';

let dir: string;
const servers: Server[] = [];
let tls: { readonly key: string; readonly cert: string };
/** The requests for connections, with the header that names who asks. */
let asked: (string | undefined)[] = [];
let proxyStatus = 200;
let seen: IncomingHttpHeaders = {};

async function listen(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** A proxy that connects to the port that is asked for, on this machine. */
function makeProxy(server: Server): Server {
  return server.on('connect', (request, socket, head) => {
    asked.push(request.url, request.headers['proxy-authorization']);
    if (proxyStatus !== 200) return socket.end(`HTTP/1.1 ${proxyStatus} No\r\n\r\n`);
    const upstream = connect(Number(request.url?.split(':').at(-1)), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      upstream.write(head);
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on('error', () => socket.destroy());
    socket.on('error', () => upstream.destroy());
  });
}

let apiPort: number;
let plainProxy: number;
let tlsProxy: number;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'fl-proxy-'));
  const files = ['-keyout', join(dir, 'key'), '-out', join(dir, 'cert'), '-subj', '/CN=api.test'];
  const names = ['-addext', 'subjectAltName=DNS:api.test,IP:127.0.0.1'];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...files, ...names], {
    stdio: 'ignore',
  });
  tls = { key: readFileSync(join(dir, 'key'), 'utf8'), cert: readFileSync(join(dir, 'cert'), 'utf8') };
  const api = createTlsServer(tls, (request, response) => {
    seen = request.headers;
    response.end('{"major":"1"}');
  });
  apiPort = await listen(api);
  plainProxy = await listen(makeProxy(createServer()));
  tlsProxy = await listen(makeProxy(createTlsServer(tls)));
});
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(dir, { recursive: true, force: true });
});

async function ask(cluster: object, env: NodeJS.ProcessEnv = {}, user: object = { token: 't' }): Promise<unknown> {
  asked = [];
  const path = join(dir, 'config');
  const named = { server: `https://api.test:${apiPort}`, 'certificate-authority': join(dir, 'cert'), ...cluster };
  const file = {
    'current-context': 'one',
    clusters: [{ name: 'c', cluster: named }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'one', context: { cluster: 'c', user: 'u' } }],
  };
  writeFileSync(path, JSON.stringify(file));
  const client = createKubeClient(await readKubeconfig({ path, context: null, env }), createPluginCredentials());
  try {
    return await client.json('/version');
  } finally {
    client.close();
  }
}

describe('a cluster behind a proxy', () => {
  it('is reached by the one that the kubeconfig names, with its name and password', async () => {
    expect(await ask({ 'proxy-url': `http://ada:pass@127.0.0.1:${plainProxy}` })).toEqual({ major: '1' });
    expect(asked).toEqual([`api.test:${apiPort}`, `Basic ${Buffer.from('ada:pass').toString('base64')}`]);
    expect(await ask({ 'proxy-url': `https://127.0.0.1:${tlsProxy}` })).toEqual({ major: '1' });
    expect(asked).toEqual([`api.test:${apiPort}`, undefined]);
  });

  it('is reached by that of the environment, but not where NO_PROXY excepts it', async () => {
    const env = { https_proxy: `127.0.0.1:${plainProxy}` };
    expect(await ask({}, env)).toEqual({ major: '1' });
    expect(asked).toHaveLength(2);
    await expect(ask({}, { ...env, NO_PROXY: 'other, .test' })).rejects.toMatchObject({ code: 'CLUSTER_UNREACHABLE' });
    expect(await ask({ server: `https://127.0.0.1:${apiPort}` }, env)).toEqual({ major: '1' });
    expect(asked).toEqual([]);
  });

  it('that refuses, or is not there, is named without its password', async () => {
    proxyStatus = 407;
    const failure = await ask({ 'proxy-url': `http://ada:s3cret@127.0.0.1:${plainProxy}` }).catch((thrown) => thrown);
    proxyStatus = 200;
    expect(failure).toMatchObject({ code: 'CLUSTER_UNREACHABLE', message: /127\.0\.0\.1.*status 407.*password/ });
    expect(inspect(failure, { depth: null })).not.toContain('s3cret');
    await expect(ask({ 'proxy-url': 'http://127.0.0.1:1' })).rejects.toMatchObject({
      message: expect.stringContaining('its proxy 127.0.0.1:1 does not listen'),
    });
    await expect(ask({ 'proxy-url': 'socks5://ada:s3cret@proxy.test:1080' })).rejects.toMatchObject({
      code: 'TARGET_INVALID',
      message: expect.stringContaining('socks5://proxy.test:1080, which is not supported'),
    });
  });
});

describe('the exceptions from a proxy', () => {
  const is = (server: string, noProxy: string) =>
    chooseProxy(new URL(server), undefined, { HTTPS_PROXY: 'proxy.test:3128', NO_PROXY: noProxy }) === undefined;
  it.each([
    ['https://k.example.com', 'example.com', true],
    ['https://example.com', 'example.com', true],
    ['https://example.com', '.example.com', false],
    ['https://k.example.com', '*.example.com', true],
    ['https://notexample.com', 'example.com', false],
    ['https://k.example.com:6443', 'example.com:6443', true],
    ['https://k.example.com:6443', 'example.com:443', false],
    ['https://k.example.com', '*', true],
    ['https://10.1.2.3:6443', '192.168.0.0/16,10.0.0.0/8', true],
    ['https://10.1.2.3:6443', '10.1.2.3:6443', true],
    ['https://11.1.2.3', '10.0.0.0/8', false],
    ['https://[fd00::5]:6443', 'fd00::/8', true],
    ['https://[fd00::5]', '10.0.0.0/8,fe80::/10', false],
    ['https://127.0.0.9', '', true],
    ['https://[::1]:6443', '', true],
    ['https://k.example.com', '', false],
  ])('%s with NO_PROXY=%s: %s', (server, noProxy, excepted) => {
    expect(is(server, noProxy)).toBe(excepted);
  });
});

describe('a user who acts as another', () => {
  it('does so in each request, with groups, uid and more', async () => {
    const extra = { 'example.com/Reason': ['a', 'b'] };
    const other = { as: 'zoë', 'as-groups': ['dev', 'ops'], 'as-uid': '7', 'as-user-extra': extra };
    await ask({ server: `https://127.0.0.1:${apiPort}` }, {}, { token: 't', ...other });
    expect(Buffer.from(String(seen['impersonate-user']), 'latin1').toString('utf8')).toBe('zoë');
    expect(seen).toMatchObject({
      'impersonate-group': 'dev, ops',
      'impersonate-uid': '7',
      'impersonate-extra-example.com%2freason': 'a, b',
      authorization: 'Bearer t',
    });
  });

  it('is refused with groups and no user', async () => {
    await expect(ask({}, {}, { token: 't', 'as-groups': ['viewers'] })).rejects.toMatchObject({
      code: 'TARGET_INVALID',
      message: expect.stringContaining('"u"'),
    });
  });
});
