import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createKubeClient, type KubeClient } from './client.ts';
import { createPluginCredentials } from './exec-credential.ts';
import { follow } from './follow.ts';
import { readKubeconfig } from './kubeconfig.ts';

let dir: string;
let server: Server;
let url: string;
let answer: (request: IncomingMessage, response: ServerResponse) => void;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'fl-kube-'));
  server = createServer((request, response) => answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no address');
  url = `http://127.0.0.1:${address.port}`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(dir, { recursive: true, force: true });
});

function kubeconfig(
  user: object,
  contexts: object[] = [{ name: 'one', context: { cluster: 'c', user: 'u', namespace: 'team' } }],
) {
  const path = join(dir, 'config');
  const file = {
    'current-context': 'one',
    clusters: [{ name: 'c', cluster: { server: url } }],
    users: [{ name: 'u', user }],
    contexts,
  };
  writeFileSync(path, JSON.stringify(file));
  return path;
}
const open = async (user: object, plugins = createPluginCredentials()) =>
  createKubeClient(await readKubeconfig({ path: kubeconfig(user), context: null, env: {} }), plugins);
const json = (response: ServerResponse, status: number, body: unknown) =>
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

describe('a kubeconfig', () => {
  it('names cluster, user and namespace, from whatever file has them', async () => {
    const access = await readKubeconfig({ path: kubeconfig({ token: 't' }), context: null, env: {} });
    expect(access).toMatchObject({ context: 'one', namespace: 'team', authorization: 'Bearer t' });
    const fromEnv = await readKubeconfig({
      path: null,
      context: null,
      env: { KUBECONFIG: `/nowhere:${join(dir, 'config')}` },
    });
    expect(fromEnv.server.href).toBe(`${url}/`);
  });

  it('that is wrong is an error that says what there is', async () => {
    const path = kubeconfig({ token: 't' });
    const read = (choice: { path: string | null; context?: string }) =>
      readKubeconfig({ context: null, env: { HOME: dir }, ...choice });
    await expect(read({ path, context: 'other' })).rejects.toMatchObject({
      code: 'TARGET_INVALID',
      hint: 'It has: one',
    });
    await expect(read({ path: join(dir, 'none') })).rejects.toMatchObject({ code: 'TARGET_INVALID' });
    await expect(read({ path: null })).rejects.toMatchObject({ message: expect.stringContaining('no kubeconfig') });
    writeFileSync(path, '[1,');
    await expect(read({ path })).rejects.toMatchObject({ message: expect.stringContaining('is not a kubeconfig') });
  });

  it.each([
    { exec: { command: '/tmp/run' } },
    { tokenFile: '/etc/shadow' },
    { 'client-certificate': '/root/a.pem', 'client-key': '/root/a.key' },
  ])('that a window named runs no program and names no file: %j', async (user) => {
    const path = kubeconfig(user);
    const choice = { path, context: null, env: {}, isContained: true };
    await expect(readKubeconfig(choice)).rejects.toMatchObject({
      code: 'TARGET_INVALID',
      hint: expect.stringContaining('firstlight target add'),
    });
    expect(await readKubeconfig({ ...choice, path: kubeconfig({ token: 't' }) })).toMatchObject({ context: 'one' });
  });

  it('keeps nobody waiting for a FIFO in place of a file', async () => {
    const fifo = join(dir, 'fifo');
    execFileSync('mkfifo', [fifo]);
    await expect(readKubeconfig({ path: fifo, context: null, env: {} })).rejects.toMatchObject({
      ...{ code: 'TARGET_INVALID', cause: { code: 'BAD_INPUT' } },
    });
    const path = kubeconfig({ 'client-certificate': fifo, 'client-key': fifo });
    await expect(readKubeconfig({ path, context: null, env: {} })).rejects.toMatchObject({ code: 'TARGET_INVALID' });
    const client = await open({ tokenFile: fifo });
    await expect(client.json('/version')).rejects.toMatchObject({ code: 'BAD_INPUT' });
    client.close();
  });
});

describe('a client of a cluster', () => {
  it('gives the words of a Status, with its causes, and no header', async () => {
    answer = (_, response) =>
      json(response, 409, {
        kind: 'Status',
        reason: 'Conflict',
        message: 'Apply failed with 1 conflict: conflict with "hpa": .spec.replicas',
        details: {
          causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "hpa"', field: '.spec.replicas' }],
        },
      });
    const client = await open({ token: 'secret-token' });
    const failure = await client.json('/x').catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({ code: 'CONFLICT', message: /conflict with "hpa"/, hint: /--force/ });
    expect(JSON.stringify(failure)).not.toContain('secret-token');
    client.close();
  });

  it('takes a body that is text as it is', async () => {
    answer = (_, response) => response.writeHead(502).end('upstream is down');
    const client = await open({ token: 't' });
    await expect(client.json('/x')).rejects.toMatchObject({ code: 'CLUSTER_REFUSED', message: 'upstream is down' });
    client.close();
  });

  it('says that nothing listens', async () => {
    const client = await open({ token: 't' });
    server.close();
    server.closeAllConnections();
    await expect(client.json('/x')).rejects.toMatchObject({ code: 'CLUSTER_UNREACHABLE', message: /nothing listens/ });
    client.close();
  });

  it('asks a credential plugin once for all who wait, and again when its token is refused', async () => {
    const plugin = join(dir, 'plugin');
    const count = join(dir, 'count');
    writeFileSync(
      plugin,
      `#!/bin/sh\necho run >> ${count}\nn=$(wc -l < ${count})\nprintf '{"status":{"token":"token-%d"}}' $n\n`,
    );
    chmodSync(plugin, 0o755);
    const seen: (string | undefined)[] = [];
    answer = (request, response) => {
      seen.push(request.headers.authorization);
      json(response, request.url === '/old' && request.headers.authorization === 'Bearer token-1' ? 401 : 200, {});
    };
    const client = await open({ exec: { command: plugin } });
    await Promise.all([client.json('/a'), client.json('/b')]);
    expect(seen).toEqual(['Bearer token-1', 'Bearer token-1']);
    await client.json('/old');
    expect(seen.slice(2)).toEqual(['Bearer token-1', 'Bearer token-2']);
    client.close();
  });

  it('shares what a plugin gave with all clients of an engine, and asks it once where several are refused', async () => {
    const plugin = join(dir, 'plugin');
    const count = join(dir, 'count');
    writeFileSync(
      plugin,
      `#!/bin/sh\necho run >> ${count}\nn=$(wc -l < ${count})\nprintf '{"status":{"token":"%s-%d"}}' "$1" $n\n`,
    );
    chmodSync(plugin, 0o755);
    const seen: (string | undefined)[] = [];
    const refused: (() => void)[] = [];
    answer = (request, response) => {
      seen.push(request.headers.authorization);
      if (request.url !== '/old' || request.headers.authorization !== 'Bearer a-1') return json(response, 200, {});
      refused.push(() => json(response, 401, {}));
      // Both are on their way before the first of them is refused.
      if (refused.length === 2) for (const refuse of refused) refuse();
    };
    const plugins = createPluginCredentials();
    // They have the file in one place, one after another.
    const first = await open({ exec: { command: plugin, args: ['a'] } }, plugins);
    const second = await open({ exec: { command: plugin, args: ['a'] } }, plugins);
    const other = await open({ exec: { command: plugin, args: ['b'] } }, plugins);
    await Promise.all([first.json('/'), second.json('/')]);
    expect(seen).toEqual(['Bearer a-1', 'Bearer a-1']);
    await Promise.all([first.json('/old'), second.json('/old')]);
    expect(seen.slice(4)).toEqual(['Bearer a-2', 'Bearer a-2']);
    await other.json('/');
    expect(seen.at(-1)).toBe('Bearer b-3');
    for (const client of [first, second, other]) client.close();
  });

  it('runs a plugin when the PATH is there that finds it', async () => {
    writeFileSync(join(dir, 'plugin'), `#!/bin/sh\necho '{"status":{"token":"found"}}'\n`);
    chmodSync(join(dir, 'plugin'), 0o755);
    answer = (request, response) => json(response, 200, { token: request.headers.authorization });
    const link = join(dir, 'link');
    const pathReady = new Promise((resolve) => setTimeout(resolve, 20)).then(() =>
      symlinkSync(join(dir, 'plugin'), link),
    );
    const client = await open({ exec: { command: link } }, createPluginCredentials(pathReady));
    expect(await client.json('/')).toEqual({ token: 'Bearer found' });
    client.close();
  });

  it('lets others wait on when the one that started a plugin is cancelled, also while it hangs', async () => {
    const plugin = join(dir, 'plugin');
    const count = join(dir, 'count');
    writeFileSync(
      plugin,
      `#!/bin/sh\necho run >> ${count}\n[ $(wc -l < ${count}) = 1 ] && exec sleep 600\nprintf '{"status":{"token":"second"}}'\n`,
    );
    chmodSync(plugin, 0o755);
    answer = (request, response) => json(response, 200, { token: request.headers.authorization });
    const client = await open({ exec: { command: plugin } });
    const first = new AbortController();
    const cancelled = client.json('/a', { signal: first.signal });
    const waiting = client.json('/b');
    // Not before it has counted itself: else the next one would be the first.
    await vi.waitFor(() => expect(readFileSync(count, 'utf8')).toBe('run\n'));
    first.abort();
    await expect(cancelled).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(await waiting).toEqual({ token: 'Bearer second' });
    client.close();
  });

  it('shows what a plugin that fails says, and how to get one that is missing', async () => {
    const plugin = join(dir, 'plugin');
    writeFileSync(plugin, '#!/bin/sh\necho "log in first" >&2\nexit 1\n');
    chmodSync(plugin, 0o755);
    const failing = await open({ exec: { command: plugin } });
    await expect(failing.json('/x')).rejects.toMatchObject({ code: 'CLUSTER_DENIED', message: /log in first/ });
    const missing = await open({ exec: { command: 'no-such-plugin', installHint: 'Get it from us.' } });
    await expect(missing.json('/x')).rejects.toMatchObject({ code: 'TOOL_MISSING', hint: 'Get it from us.' });
  });

  it('shows no token that a plugin printed before it failed, and none of its arguments', async () => {
    const plugin = join(dir, 'plugin');
    writeFileSync(plugin, `#!/bin/sh\necho '{"status":{"token":"s3cret-token"}}'\necho "no session" >&2\nexit 1\n`);
    chmodSync(plugin, 0o755);
    const client = await open({ exec: { command: plugin, args: ['--client-secret=s3cret-arg'] } });
    const error = await client.json('/x').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'CLUSTER_DENIED', message: /no session/, details: { output: 'no session' } });
    expect(inspect(error, { depth: null })).not.toContain('s3cret');
    client.close();
  });
});

describe('a server that is busy', () => {
  const busy = (response: ServerResponse, status: number, headers: object) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(
      JSON.stringify({
        kind: 'Status',
        reason: 'TooManyRequests',
        message: 'storage is (re)initializing',
        code: status,
      }),
    );

  it('is asked again when it says so, with the same body, and no more often than ten times', async () => {
    const bodies: string[] = [];
    let busyTimes = 2;
    answer = async (request, response) => {
      bodies.push(await text(request));
      if (bodies.length > busyTimes) return json(response, 200, { done: true });
      const wait = bodies.length === 1 ? new Date(0).toUTCString() : '0';
      return busy(response, bodies.length === 1 ? 429 : 503, { 'retry-after': wait });
    };
    const client = await open({ token: 't' });
    const create = () => client.json('/pods', { method: 'POST', body: { kind: 'Pod' } });
    expect(await create()).toEqual({ done: true });
    expect(bodies).toEqual(Array(3).fill('{"kind":"Pod"}'));
    bodies.length = 0;
    busyTimes = 100;
    await expect(create()).rejects.toMatchObject({ message: expect.stringContaining('(re)initializing') });
    expect(bodies).toHaveLength(10);
    client.close();
  });

  it('is not asked again where it wants to be left alone for longer than anybody waits', async () => {
    let asked = 0;
    answer = (_, response) => {
      asked += 1;
      return busy(response, 429, { 'retry-after': '3600' });
    };
    const client = await open({ token: 't' });
    await expect(client.json('/pods')).rejects.toMatchObject({
      code: 'CLUSTER_REFUSED',
      hint: expect.stringContaining('try again later'),
    });
    expect(asked).toBe(1);
    client.close();
  });

  it('is not asked again where it does not say so, and the wait can be cancelled', async () => {
    let asked = 0;
    answer = (_, response) => {
      asked += 1;
      return busy(response, 503, asked === 1 ? {} : { 'retry-after': '5' });
    };
    const client = await open({ token: 't' });
    await expect(client.json('/pods')).rejects.toMatchObject({ message: expect.stringContaining('(re)initializing') });
    expect(asked).toBe(1);
    const abort = new AbortController();
    const waiting = client.json('/pods', { signal: abort.signal });
    await expect.poll(() => asked).toBe(2);
    setTimeout(() => abort.abort(), 50);
    await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
    client.close();
  });
});

describe('following objects', () => {
  it('lists again when the watch has expired, in whichever way it says so', async () => {
    let lists = 0;
    answer = (request, response) => {
      const isWatch = request.url?.includes('watch=1');
      if (!isWatch)
        return json(response, 200, { metadata: { resourceVersion: String(++lists) }, items: [item(`a${lists}`)] });
      if (lists === 1) return json(response, 410, { kind: 'Status', reason: 'Expired', message: 'too old', code: 410 });
      if (lists === 2)
        return response.end(`${JSON.stringify({ type: 'ERROR', object: { code: 410, metadata: {} } })}\n`);
      response.write(`${JSON.stringify({ type: 'ADDED', object: item('b') })}\n`);
    };
    const item = (name: string) => ({ metadata: { name, uid: name } });
    const client = await open({ token: 't' });
    const ending = new AbortController();
    const pictures: string[][] = [];
    await follow(client, '/pods', { signal: ending.signal }, (objects) => {
      pictures.push(objects.map(({ metadata }) => metadata.name));
      if (pictures.length === 4) ending.abort();
    });
    expect(pictures).toEqual([['a1'], ['a2'], ['a3'], ['a3', 'b']]);
    client.close();
  });

  it('goes on from the last version where a watch has ended, without another list', async () => {
    const item = (name: string, resourceVersion: string) => ({ metadata: { name, uid: name, resourceVersion } });
    const asked: (string | null)[] = [];
    answer = (request, response) => {
      const { searchParams } = new URL(request.url ?? '', 'http://cluster');
      if (!searchParams.has('watch')) {
        asked.push('list');
        return json(response, 200, { metadata: { resourceVersion: '1' }, items: [item('a', '1')] });
      }
      const from = searchParams.get('resourceVersion');
      asked.push(from);
      if (from === '1')
        return response.end(
          `${JSON.stringify({ type: 'ADDED', object: item('b', '2') })}\n${JSON.stringify({ type: 'BOOKMARK', object: item('', '7') })}\n`,
        );
      response.write(`${JSON.stringify({ type: 'DELETED', object: item('a', '8') })}\n`);
    };
    const client = await open({ token: 't' });
    const ending = new AbortController();
    const pictures: string[][] = [];
    await follow(client, '/pods', { signal: ending.signal }, (objects) => {
      pictures.push(objects.map(({ metadata }) => metadata.name));
      if (pictures.length === 3) ending.abort();
    });
    expect(asked).toEqual(['list', '1', '7']);
    expect(pictures).toEqual([['a'], ['a', 'b'], ['b']]);
    client.close();
  });

  it('lists again where a watch stays silent beyond its end, as after a computer has slept', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    let lists = 0;
    const client = {
      json: async () => ({ metadata: { resourceVersion: '1' }, items: [{ metadata: { name: `a${++lists}` } }] }),
      lines: async function* (_path: string, { signal }: { readonly signal: AbortSignal }) {
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
        yield '';
      },
    } as unknown as KubeClient;
    const ending = new AbortController();
    const pictures: string[] = [];
    const following = follow(client, '/pods', { signal: ending.signal, patienceMs: 0 }, ([object]) => {
      pictures.push(object?.metadata.name ?? '');
    });
    await vi.advanceTimersByTimeAsync(70_000);
    expect(pictures).toEqual(['a1']);
    await vi.advanceTimersByTimeAsync(10_000);
    vi.useRealTimers();
    await expect.poll(() => pictures).toEqual(['a1', 'a2']);
    ending.abort();
    await following;
  });

  it('ends with what no waiting helps against', async () => {
    answer = (_, response) =>
      json(response, 403, { kind: 'Status', reason: 'Forbidden', message: 'pods is forbidden' });
    const client = await open({ token: 't' });
    const watching = follow(client, '/pods', { signal: new AbortController().signal }, () => undefined);
    await expect(watching).rejects.toMatchObject({ code: 'CLUSTER_DENIED', message: 'pods is forbidden' });
    client.close();
  });
});
