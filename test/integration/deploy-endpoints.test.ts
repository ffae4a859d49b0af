import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer, get } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import shipped from '#core/runtimes/ember/shipped.json' with { type: 'json' };
import type { Project } from '#shared/model/project.ts';
import { whyNoSecondLibvirtd } from './second-libvirtd.ts';
import { whyNoSshd } from './sshd.ts';
import { resources, whyNot } from './studio.ts';
import { askUntil, openTwoHosts, type TwoHosts, virsh } from './two-hosts.ts';

// A busy machine needs long to start a QEMU.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });
/** Its build needs the source of lwIP. */
const whyNoNetwork = existsSync(resources.pathOf(shipped.emberNetworkKernel)) ? null : 'no kernel with the network';
const reason = whyNot() ?? whyNoSecondLibvirtd() ?? whyNoSshd() ?? whyNoNetwork;

const handler = (version: string) =>
  `export default (event) => ({ version: ${JSON.stringify(version)}, method: event.method, path: event.path, query: event.query, body: event.body, host: event.headers.host ?? null });`;

/** The body of an answer over a connection of its own, else the code of the error. */
const ask = (url: string) =>
  new Promise<string>((resolve) => {
    const request = get(url, { agent: false }, async (answer) => {
      resolve(await text(answer).catch((error) => `no whole answer: ${error.code}`));
    });
    request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });

describe.skipIf(reason !== null)(`endpoints on hosts${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  let lab: TwoHosts;
  let project: Project;
  const call: TwoHosts['studio']['client']['call'] = (...args) => lab.studio.client.call(...args);
  const deploy = (choice: object = {}) => call('deploy:start', { projectId: project.id, target: 'lab', ...choice });
  const of = { target: 'lab', name: 'web' };
  const endpoints = async () => {
    const { instances = [] } = await call('deploy:get', of);
    return instances.map(({ endpoint }) => endpoint ?? '');
  };
  const fetchJson = async (url: string) => await (await fetch(url, { signal: AbortSignal.timeout(60_000) })).json();

  beforeAll(async () => {
    lab = await openTwoHosts();
    project = await lab.studio.project('web', handler('one'), { ports: [{ guest: 8080 }] });
  });
  afterAll(async () => {
    await lab?.close();
  });

  it('are ports of loopback, one for each instance, by which the deploy calls them', async () => {
    const done = await deploy({ replicas: 2 });
    expect(done.answer).toMatchObject({ status: 200 });
    // The event came by HTTP: one through libvirt has no headers.
    expect(JSON.parse(done.answer?.body ?? '')).toMatchObject({ version: 'one', path: '/', host: 'function' });
    const urls = await endpoints();
    expect(new Set(urls).size).toBe(2);
    for (const url of urls) {
      expect(url).toMatch(/^http:\/\/127\.0\.0\.1:28\d\d\d$/);
      expect(await fetchJson(`${url}/direct?a=1`)).toMatchObject({ path: '/direct', query: { a: '1' } });
    }
    const [listed] = await call('deploy:list', { target: 'lab' });
    for (const url of urls) expect(listed?.endpoint).toContain(`${url} on `);
    // The two hosts of this test have one loopback: what the first one has is taken for the second.
    expect(done.warnings).toEqual([
      expect.stringMatching(/another program has port 28\d\d\d of 127\.0\.0\.1: fn-web-r1-1/),
    ]);
  });

  it('serve the calls from here: through the SSH connection of the one host, directly at the other', async () => {
    for (const _ of [1, 2]) {
      const answer = await call('deploy:invoke', { ...of, method: 'POST', path: '/a//b?q=1', body: '{"n":1}' });
      expect(answer).toMatchObject({ status: 200, contentType: 'application/json' });
      expect(JSON.parse(answer.body)).toMatchObject({
        method: 'POST',
        path: '/a//b',
        body: { n: 1 },
        host: 'function',
      });
    }
  });

  it('stay the same over revisions and rollbacks, and are of the new revision then', async () => {
    const before = await endpoints();
    expect((await deploy()).revision).toBe(1);
    expect(await endpoints()).toEqual(before);
    lab.write(project, handler('two'));
    const done = await deploy();
    expect([done.revision, JSON.parse(done.answer?.body ?? '').version]).toEqual([2, 'two']);
    expect(done.warnings).toBeUndefined();
    expect(await endpoints()).toEqual(before);
    for (const url of before) expect(await fetchJson(url)).toMatchObject({ version: 'two' });
    expect(await call('deploy:rollback', of)).toMatchObject({ state: 'ready', revision: 3 });
    expect(await endpoints()).toEqual(before);
    for (const url of before) expect(await fetchJson(url)).toMatchObject({ version: 'one' });
    expect((await deploy()).revision).toBe(4);
    expect(await endpoints()).toEqual(before);
    // One port for each instance, and no other.
    const listens = [lab.one, lab.two].flatMap(({ uri }) =>
      virsh(uri, 'list', '--name').flatMap((name) =>
        virsh(uri, 'qemu-monitor-command', name, '--hmp', 'info usernet').flatMap(
          (line) => /HOST_FORWARD\]\s+\d+\s+\S+\s+(\d+)/.exec(line)?.[1] ?? [],
        ),
      ),
    );
    expect(listens.sort()).toEqual(before.map((url) => new URL(url).port).sort());
  });

  it('answer the requests that are in an instance when it is replaced', async () => {
    const source = (version: string) =>
      `export default async ({ path }) => { if (path === '/slow') await new Promise((resolve) => setTimeout(resolve, 1000)); return ${version}; };`;
    const busy = await lab.studio.project('busy', source('1'), { ports: [{ guest: 8080 }], timeoutMs: 20_000 });
    const start = () => call('deploy:start', { projectId: busy.id, target: 'lab', replicas: 1 });
    await start();
    const { instances: [{ endpoint = '' } = {}] = [] } = await call('deploy:get', { ...of, name: 'busy' });
    lab.write(busy, source('2'));
    const outcomes = await askUntil(start(), 3, () => ask(`${endpoint}/slow`));
    expect(outcomes.filter((one) => !['1', '2', 'ECONNREFUSED'].includes(one))).toEqual([]);
    expect(outcomes).toContain('1');
    expect(await ask(endpoint)).toBe('2');
    await call('deploy:remove', { ...of, name: 'busy' });
  });

  it('move when another program has taken the port meanwhile, which is said', async () => {
    await call('deploy:scale', { ...of, replicas: 1 });
    const [url = ''] = await endpoints();
    const [name = ''] = virsh(lab.one.uri, 'list', '--name');
    virsh(lab.one.uri, 'destroy', name);
    const stranger = createTcpServer().listen(Number(new URL(url).port), '127.0.0.1');
    await once(stranger, 'listening');
    try {
      const done = await deploy({ replicas: 1 });
      expect(done.revision).toBe(4);
      expect(done.warnings?.join('\n')).toContain(`another program has port ${new URL(url).port}`);
      const [moved = ''] = await endpoints();
      expect(moved).not.toBe(url);
      expect(await fetchJson(moved)).toMatchObject({ version: 'two' });
    } finally {
      stranger.close();
    }
  });

  it('answer with fresh random numbers after a restart of their host, which nobody but libvirt has started', async () => {
    const source = 'export default () => ({ random: crypto.randomUUID(), now: Date.now() });';
    const config = { ports: [{ guest: 8080 }] };
    const lasting = await lab.studio.project('lasting', source, config);
    await call('targets:add', { name: 'two', kind: 'libvirt', uris: [lab.two.uri] });
    const done = await call('deploy:start', { projectId: lasting.id, target: 'two' });
    const { instances: [{ endpoint = '' } = {}] = [] } = await call('deploy:get', { target: 'two', name: 'lasting' });
    const answers = [JSON.parse(done.answer?.body ?? '')];
    for (const _ of [1, 2]) {
      await lab.two.reboot();
      answers.push(await vi.waitFor(() => fetchJson(endpoint), { timeout: 60_000, interval: 500 }));
    }
    expect(new Set(answers.map(({ random }) => random)).size).toBe(3);
    for (const { now } of answers) expect(Math.abs(now - Date.now())).toBeLessThan(600_000);
    const of = { target: 'two', name: 'lasting' };
    expect(await call('deploy:get', of)).toMatchObject({ state: 'ready', instances: [{ endpoint }] });
    expect((await call('deploy:invoke', { ...of, path: '/' })).status).toBe(200);
    await call('deploy:remove', of);
  });

  it('reach the services of their host where the function may fetch', async () => {
    const server = createServer((_, response) => response.end('from the host')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const { port } = server.address() as AddressInfo;
      const network = { kind: 'user', outbound: true };
      const source = `export default async () => await (await fetch("http://10.0.2.2:${port}/")).text();`;
      const fetching = await lab.studio.project('fetching', source, { ember: { network } });
      const done = await call('deploy:start', { projectId: fetching.id, target: 'lab' });
      expect(done.answer?.body).toBe('"from the host"');
      expect(done.warnings).toBeUndefined();
    } finally {
      server.close();
    }
  });

  it('are bound to the address that the target names, and say so', async () => {
    const hosts = { kind: 'libvirt' as const, uris: [lab.two.uri] };
    const both = call('targets:add', { ...hosts, name: 'both', uris: [lab.one.uri, lab.two.uri], listen: '192.0.2.1' });
    await expect(both).rejects.toMatchObject({ code: 'BAD_INPUT', message: expect.stringContaining('one host only') });
    const sixth = call('targets:add', {
      ...hosts,
      name: 'sixth',
      uris: ['qemu+tls://[::1]/system'],
      listen: '0.0.0.0',
    });
    await expect(sixth).rejects.toMatchObject({ code: 'BAD_INPUT', message: expect.stringContaining('IPv6') });
    const bad = call('targets:add', { ...hosts, name: 'bad', listen: '300.1.1.1' });
    await expect(bad).rejects.toMatchObject({ code: 'BAD_INPUT' });
    await call('targets:add', { ...hosts, name: 'exposed', listen: '0.0.0.0' });
    const checks = await call('targets:test', { target: 'exposed' });
    expect(checks.find(({ id }) => id.startsWith('endpoints'))).toMatchObject({
      status: 'warning',
      found: expect.stringContaining('whoever reaches that address can call'),
    });
    await call('targets:add', { ...hosts, name: 'nowhere', listen: '192.0.2.1' });
    const exposed = await lab.studio.project('exposed', handler('x'), { ports: [{ guest: 8080 }] });
    const start = (target: string) => call('deploy:start', { projectId: exposed.id, target });
    await expect(start('nowhere')).rejects.toMatchObject({
      code: 'DEPLOY_FAILED',
      message: expect.stringMatching(/None of the ports .* of 192\.0\.2\.1/),
    });
    expect((await start('exposed')).answer).toMatchObject({ status: 200 });
    const { endpoint } = await call('deploy:get', { target: 'exposed', name: 'exposed' });
    expect(await fetchJson(`http://127.0.0.9:${new URL(endpoint).port}/`)).toMatchObject({ version: 'x' });
    await call('deploy:remove', { target: 'exposed', name: 'exposed' });
  });
});
