import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import shipped from '#core/runtimes/ember/shipped.json' with { type: 'json' };
import { makeHome, openStudio, removeHome, resources, type Studio, until, whyNot } from './studio.ts';

vi.setConfig({ testTimeout: 120_000 });
const hasKernel = existsSync(resources.pathOf(shipped.emberNetworkKernel));
const reason = whyNot() ?? (hasKernel ? null : 'no source of lwIP');

const texts = (...paths: string[]) => paths.map((path) => `you asked for ${path}`);

describe.skipIf(reason !== null)(`Ember’s network${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  let studio: Studio;
  const home = reason === null ? makeHome() : '';
  beforeAll(async () => {
    studio = await openStudio({ home });
  });
  afterAll(async () => {
    await studio.close();
    removeHome(home);
  });

  it('is reached at the address of its instance, and its runs work as ever', async () => {
    const source = 'let calls = 0; export default (event) => ({ path: event.path ?? null, calls: ++calls });';
    const project = await studio.project('served', source, { ports: [{ guest: 8080 }] });
    const run = await studio.client.call('instances:run', { projectId: project.id, lifetime: 'session', event: {} });
    expect(run).toMatchObject({ error: null, response: { body: { value: { path: null, calls: 1 } } } });
    const instanceOf = async () =>
      (await studio.client.call('instances:list', {})).find(({ id }) => id === run.instance?.id);
    const url = (await instanceOf())?.url;
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    for (const calls of [2, 3]) {
      const answer = await fetch(`${url}/greet`, { method: 'POST', body: 'text' });
      expect(await answer.json()).toEqual({ path: '/greet', calls });
    }
    const again = await studio.client.call('instances:invoke', { instanceId: run.instance?.id ?? '', event: {} });
    expect(again.response?.body).toEqual({ kind: 'json', value: { path: null, calls: 4 } });
    await studio.client.call('instances:stop', { instanceId: run.instance?.id ?? '' });
    await until('the instance has stopped', async () => (await instanceOf())?.state === 'stopped');
    await expect(fetch(`${url}/`)).rejects.toThrow();
  });

  it('is reached at an address that its guest asked for, and fetches by it', async () => {
    const server = createServer((request, response) => void response.end(`you asked for ${request.url}`));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const source = `export default async (event) => (await fetch('http://10.0.2.2:${port}' + (event.path ?? '/run'))).text();`;
    const ember = { network: { kind: 'user', outbound: true, address: 'dhcp' } };
    const project = await studio.project('leased', source, { ports: [{ guest: 8080 }], ember });
    const run = await studio.client.call('instances:run', { projectId: project.id, lifetime: 'session', event: {} });
    expect(run).toMatchObject({ error: null, response: { body: { value: 'you asked for /run' } } });
    const instanceId = run.instance?.id ?? '';
    const { url } = (await studio.client.call('instances:list', {})).find(({ id }) => id === instanceId) ?? {};
    expect(await (await fetch(`${url}/called`)).json()).toBe('you asked for /called');
    await studio.client.call('instances:stop', { instanceId });
    server.closeAllConnections();
    server.close();
  });

  it('answers before its first run, while it waits for it', async () => {
    const source = 'let calls = 0; export default (event) => ({ path: event.path ?? null, calls: ++calls });';
    const project = await studio.project('early', source, { ports: [{ guest: 8080 }] });
    await studio.client.call('builds:prestart', { projectId: project.id, startMode: 'prebooted' });
    const waiting = async () =>
      (await studio.client.call('instances:list', {})).find(({ state }) => state === 'prebooted');
    await until('it waits', async () => (await waiting()) !== undefined);
    const { id, url } = (await waiting()) ?? {};
    expect(await (await fetch(`${url}/early`)).json()).toEqual({ path: '/early', calls: 1 });
    await studio.client.call('instances:stop', { instanceId: id ?? '' });
  });

  it('is in no image and no machine of a function that does not ask for it', async () => {
    const [plain, served] = [
      await studio.project('plain', 'export default () => 1;'),
      await studio.project('other', 'export default () => 1;', { ports: [{ guest: 80 }] }),
    ];
    const [one, two] = [
      await studio.client.call('builds:build', { projectId: plain.id }),
      await studio.client.call('builds:build', { projectId: served.id }),
    ];
    expect(two.image.bytes).toBeGreaterThan(one.image.bytes);
    const run = await studio.client.call('instances:run', { projectId: plain.id, lifetime: 'session', event: {} });
    const instanceId = run.instance?.id ?? '';
    const instance = (await studio.client.call('instances:list', {})).find(({ id }) => id === instanceId);
    expect(instance).toMatchObject({ state: 'ready', url: null });
    expect((await studio.client.call('instances:describe', { instanceId })).domainXml).not.toContain('virtio-net');
    await studio.client.call('instances:stop', { instanceId });
  });

  it('lets a function fetch from a server of this machine, by a run and by HTTP', async () => {
    const server = createServer((request, response) => void response.end(`you asked for ${request.url}`));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const source = `export default async (event) => {
      const get = async (path) => (await fetch(\`http://10.0.2.2:${port}\${path}\`)).text();
      return Promise.all([get('/one'), get(event.path ?? '/two')]);
    };`;
    const ember = { network: { kind: 'user', outbound: true } };
    const project = await studio.project('calls', source, { ports: [{ guest: 8080 }], ember });
    const run = await studio.client.call('instances:run', { projectId: project.id, lifetime: 'session', event: {} });
    expect(run).toMatchObject({ error: null, response: { body: { value: texts('/one', '/two') } } });
    const instanceId = run.instance?.id ?? '';
    const { url } = (await studio.client.call('instances:list', {})).find(({ id }) => id === instanceId) ?? {};
    expect(await (await fetch(`${url}/three`)).json()).toEqual(texts('/one', '/three'));
    await studio.client.call('instances:stop', { instanceId });
    const alone = await studio.project('alone', source, { ember });
    const cold = await studio.client.call('instances:run', { projectId: alone.id, lifetime: 'stop', event: {} });
    expect(cold).toMatchObject({ error: null, response: { body: { value: texts('/one', '/two') } } });
    server.closeAllConnections();
    server.close();
  });

  it('is refused for UDP, with what to do', async () => {
    const project = await studio.project('udp', 'export default () => 1;', { ports: [{ guest: 53, udp: true }] });
    await expect(studio.client.call('builds:build', { projectId: project.id })).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringContaining('UDP port 53'),
      hint: expect.stringContaining('nanos'),
    });
  });
});
