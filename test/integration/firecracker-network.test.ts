import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import shipped from '#core/runtimes/ember/shipped.json' with { type: 'json' };
import { createLayout } from '#core/store/layout.ts';
import { isAlive, type Owner } from '#core/store/owner.ts';
import { findFirecracker } from '#core/vmm/firecracker/find-firecracker.ts';
import { whyNoNetwork } from '#core/vmm/firecracker/network-tools.ts';
import type { Instance } from '#shared/model/instance.ts';
import type { Run } from '#shared/model/run.ts';
import { makeHome, openStudio, removeHome, resources, type Studio, until } from './studio.ts';

vi.setConfig({ testTimeout: 60_000 });
const cli = join(import.meta.dirname, '../../dist/cli.mjs');
const uid = process.getuid?.() ?? 0;

async function whyNot(): Promise<string | null> {
  if ((await findFirecracker({ get: async () => ({}) }, process.env)) === null)
    return 'no firecracker on PATH or in FIRSTLIGHT_FIRECRACKER';
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
  } catch {
    return '/dev/kvm cannot be opened';
  }
  if (!existsSync(resources.pathOf(shipped.emberNetworkKernel))) return 'no source of lwIP';
  return whyNoNetwork(process.env, uid)?.message ?? null;
}

const reason = await whyNot();
const outbound = { ember: { network: { kind: 'user', outbound: true } } };
const counting = 'let calls = 0; export default (event) => ({ path: event.path ?? null, calls: ++calls });';

for (const jailer of ['', 'none']) {
  const held = jailer === '' ? 'as Firecracker is started here' : 'without a jailer';
  describe.skipIf(reason !== null)(
    `Ember’s network in Firecracker, ${held}${reason === null ? '' : ` (skipped: ${reason})`}`,
    () => {
      const home = reason === null ? makeHome() : '';
      const { socketsDir, disksDir } = createLayout({ home, env: {}, uid });
      const env = { ...process.env, FIRSTLIGHT_JAILER: jailer, FIRSTLIGHT_HOME: home };
      let studio: Studio;
      let server: ReturnType<typeof createServer>;
      let serverPort = 0;

      beforeAll(async () => {
        studio = await openStudio({ home, env });
        server = createServer((request, response) => void response.end(`you asked for ${request.url}`));
        server.listen(0, '127.0.0.1');
        await once(server, 'listening');
        serverPort = (server.address() as AddressInfo).port;
      });
      afterAll(async () => {
        server.closeAllConnections();
        server.close();
        await studio.close();
        removeHome(home);
      });

      const run = async (projectId: string, more: object = {}): Promise<Run> =>
        await studio.client.call('instances:run', {
          ...{ projectId, host: 'firecracker', lifetime: 'session', event: {} },
          ...more,
        });
      const instanceOf = async (one: Run) =>
        (await studio.client.call('instances:list', {})).find(({ id }) => id === one.instance?.id) as Instance;
      const folders = () => (existsSync(socketsDir) ? readdirSync(socketsDir) : []);
      const processesIn = (name: string): Owner[] =>
        ['firecracker.json', 'network.json'].map(
          (file) => JSON.parse(readFileSync(join(socketsDir, name, file), 'utf8')).process,
        );
      const folderOf = (text: string) =>
        folders().find((name) => {
          const path = join(socketsDir, name, 'firecracker.json');
          return existsSync(path) && readFileSync(path, 'utf8').includes(text);
        });
      const areGone = (name: string) => !existsSync(join(socketsDir, name)) && !existsSync(join(disksDir, name));
      const stop = async (instance: Instance) => {
        const name = folderOf(instance.id) ?? '';
        const processes = processesIn(name);
        expect(processes.map(isAlive)).toEqual([true, true]);
        await studio.client.call('instances:stop', { instanceId: instance.id });
        expect(processes.map(isAlive)).toEqual([false, false]);
        await until('its folders are gone', () => areGone(name));
      };

      it('is reached at the address of its instance, in a namespace of its own', async () => {
        const project = await studio.project('served', counting, { ports: [{ guest: 8080 }] });
        const cold = await run(project.id);
        expect(cold).toMatchObject({ error: null, response: { body: { value: { path: null, calls: 1 } } } });
        const names = cold.timeline?.marks.map(({ name }) => name) ?? [];
        const order = ['network.asked', 'network.ready', 'vmm.configured', 'domain.resume'];
        expect(names.filter((name) => order.includes(name))).toEqual(order);
        expect(names.indexOf('vmm.started')).toBeGreaterThan(names.indexOf('network.asked'));
        const instance = await instanceOf(cold);
        for (const calls of [2, 3]) {
          const answer = await fetch(`${instance.url}/greet`, { method: 'POST', body: 'text' });
          expect(await answer.json()).toEqual({ path: '/greet', calls });
        }
        const [machine, network] = processesIn(folderOf(instance.id) ?? '').map(({ pid }) => pid);
        const devices = readFileSync(`/proc/${machine}/net/dev`, 'utf8');
        expect(
          devices
            .match(/^\s*\w+:/gm)
            ?.map((name) => name.trim())
            .sort(),
        ).toEqual([...['bridge:', 'guest:', 'lo:', 'stack:']]);
        expect(readFileSync('/proc/net/dev', 'utf8')).not.toContain('stack:');
        expect(readFileSync(`/proc/${network}/status`, 'utf8')).toMatch(/^Seccomp:\t2$/m);
        await stop(instance);
        await expect(fetch(`${instance.url}/`)).rejects.toThrow();
      });

      it('outlives its program where it is to be kept, with its network', async () => {
        const project = await studio.project('kept', counting, { ports: [{ guest: 8080 }] });
        const args = [cli, 'run', project.dir, '--vmm', 'firecracker', '--keep', '--json'];
        const kept = JSON.parse(execFileSync(process.execPath, args, { env, encoding: 'utf8' })) as Run;
        const next = await openStudio({ home, env });
        try {
          const find = async () =>
            (await next.client.call('instances:list', {})).find(({ id }) => id === kept.instance?.id) as Instance;
          await until('it is found', async () => (await find()) !== undefined);
          const { id, url } = await find();
          expect(await (await fetch(`${url}/kept`)).json()).toEqual({ path: '/kept', calls: 2 });
          const name = folderOf(id) ?? '';
          const processes = processesIn(name);
          expect(processes.map(isAlive)).toEqual([true, true]);
          await next.client.call('instances:stop', { instanceId: id });
          expect(processes.map(isAlive)).toEqual([false, false]);
          await until('its folders are gone', () => areGone(name));
        } finally {
          await next.close();
        }
      });

      it('ends with its machine where that was killed and nobody was there', async () => {
        const project = await studio.project('killed', counting, { ports: [{ guest: 8080 }] });
        const args = [cli, 'run', project.dir, '--vmm', 'firecracker', '--keep', '--json'];
        const kept = JSON.parse(execFileSync(process.execPath, args, { env, encoding: 'utf8' })) as Run;
        const name = folderOf(kept.instance?.id ?? '') ?? '';
        const [machine, network] = processesIn(name) as [Owner, Owner];
        process.kill(machine.pid, 'SIGKILL');
        await until('its machine is gone', () => !isAlive(machine));
        expect(isAlive(network)).toBe(true);
        const next = await openStudio({ home, env });
        try {
          await until('its network is gone', () => !isAlive(network));
          await until('its folders are gone', () => areGone(name));
        } finally {
          await next.close();
        }
      });

      it('takes its machine along where its own process was killed', async () => {
        const project = await studio.project('cut', counting, { ports: [{ guest: 8080 }] });
        const instance = await instanceOf(await run(project.id));
        const [machine, network] = processesIn(folderOf(instance.id) ?? '') as [Owner, Owner];
        process.kill(network.pid, 'SIGKILL');
        await until('its machine is gone', () => !isAlive(machine));
        const find = async () =>
          (await studio.client.call('instances:list', {})).find(({ id }) => id === instance.id) as Instance;
        await until('it is said', async () => (await find()).state !== 'ready');
        expect(await find()).toMatchObject({ state: 'failed' });
      });

      it('answers a megabyte, and one connection after the other', async () => {
        const source = `export default (event) => 'x'.repeat(event.path === '/large' ? 1_000_000 : 5);`;
        const project = await studio.project('large', source, { ports: [{ guest: 8080 }] });
        const instance = await instanceOf(await run(project.id, { startMode: 'prestarted' }));
        expect((await (await fetch(`${instance.url}/large`)).json()).length).toBe(1_000_000);
        for (let turn = 0; turn < 20; turn++) {
          const answer = await fetch(`${instance.url}/`, { headers: { connection: 'close' } });
          expect(await answer.json()).toBe('xxxxx');
        }
        await stop(instance);
      });

      it('gets its address by DHCP where it may open no connections, too', async () => {
        const project = await studio.project('leased', counting, {
          ports: [{ guest: 8080 }],
          ember: { network: { kind: 'user', address: 'dhcp' } },
        });
        const instance = await instanceOf(await run(project.id));
        expect(await (await fetch(`${instance.url}/leased`)).json()).toEqual({ path: '/leased', calls: 2 });
        await stop(instance);
      });

      it.each(['fixed', 'dhcp'] as const)('fetches where its project asks for it: %s address', async (address) => {
        const source = `export default async (event) =>
          (await fetch('http://10.0.2.2:${serverPort}' + (event.path ?? '/run'))).text();`;
        const project = await studio.project(`calls-${address}`, source, {
          ports: [{ guest: 8080 }],
          ember: { network: { ...outbound.ember.network, address } },
        });
        const cold = await run(project.id);
        expect(cold).toMatchObject({ error: null, response: { body: { value: 'you asked for /run' } } });
        const instance = await instanceOf(cold);
        expect(await (await fetch(`${instance.url}/called`)).json()).toBe('you asked for /called');
        await stop(instance);
      });

      it('leaves no process, device or folder behind a program that was killed', async () => {
        const project = await studio.project('orphan', 'export default () => new Promise(() => undefined);', {
          timeoutMs: 60_000,
          ports: [{ guest: 8080 }],
        });
        const args = [cli, 'run', project.dir, '--vmm', 'firecracker'];
        const owner = spawn(process.execPath, args, { env, stdio: 'ignore' });
        const theirs = () => folderOf(`"pid":${owner.pid}`);
        await until('its machine is there', () => theirs() !== undefined);
        const name = theirs() ?? '';
        const [machine, network] = processesIn(name) as [Owner, Owner];
        owner.kill('SIGKILL');
        // Its port is free at once, as libvirt's is.
        await until('its network is gone', () => !isAlive(network));
        expect(isAlive(machine)).toBe(true);
        const next = await openStudio({ home, env });
        try {
          await until('it is ended', () => !isAlive(machine));
          await until('its folders are gone', () => areGone(name));
        } finally {
          await next.close();
        }
      });

      it('is not there where a port is taken, with the port', async () => {
        const taken = createTcpServer().listen(0, '127.0.0.1');
        await once(taken, 'listening');
        const { port } = taken.address() as AddressInfo;
        const project = await studio.project('taken', counting, { ports: [{ guest: 8080, host: port }] });
        expect((await run(project.id)).error).toMatchObject({
          code: 'PORT_IN_USE',
          message: expect.stringContaining(String(port)),
        });
        taken.close();
      });
    },
  );
}
