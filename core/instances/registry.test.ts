import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createLayout, type Layout } from '#core/store/layout.ts';
import type { Host } from '#core/vmm/host.ts';
import { fakeHost, fakeMachine } from '#core/vmm/testing/fake-vmm.ts';
import type { RunningMachine } from '#core/vmm/vmm.ts';
import { createDeferred } from '#shared/deferred.ts';
import { FirstlightError } from '#shared/errors.ts';
import { createRegistry, type Registry, type RegistryOptions } from './registry.ts';

let home: string;
let layout: Layout;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'fl-registry-'));
  layout = createLayout({ home, env: {}, uid: 1000 });
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

/** A machine that an earlier process kept. */
function keptMachine(socketDir: string, more: object = {}): RunningMachine {
  const record = {
    id: 'hello-1',
    home: layout.dataDir,
    projectId: '0123456789ab',
    functionName: 'hello',
    imageId: 'a'.repeat(64),
    bundleId: 'b'.repeat(64),
    imagePath: '/image.elf',
    runtime: 'ember',
    accel: 'tcg',
    startMode: 'cold',
    memoryMiB: 64,
    vcpus: 1,
    timeoutMs: 1000,
    keep: true,
    createdAt: '2026-01-01T00:00:00.000Z',
    socketDir,
    owner: { pid: 1, startTicks: '0', bootId: 'an earlier boot' },
    ...more,
  };
  return fakeMachine({ readMetadata: async () => record });
}

const host = (machines: readonly RunningMachine[], name = 'local'): Host =>
  fakeHost(layout, { list: async () => [...machines] }, name);

function newRegistry(): Registry {
  return createRegistry({
    runtimes: new Map([['ember', { readPanic: () => null }]]),
    bootTimeoutMs: 1000,
    onChange: () => undefined,
    onRemoved: () => undefined,
    log: () => undefined,
  } as unknown as RegistryOptions);
}

async function registryWith(machine: RunningMachine): Promise<Registry> {
  const registry = newRegistry();
  const only = host([machine]);
  await registry.reconcile(only, [only]);
  return registry;
}

const end = (registry: Registry, { uuid }: RunningMachine) =>
  registry.listenerOf(() => host([])).onEnded(uuid, 'shutdown');
const settle = () => new Promise((resolve) => setTimeout(resolve, 50));

it('takes over an instance that was kept, and removes its sockets when it ends', async () => {
  const dir = join(layout.socketsDir, '12-34-abcdef');
  mkdirSync(dir, { recursive: true });
  const machine = keptMachine(dir);
  const registry = await registryWith(machine);
  expect(registry.list().map(({ id }) => id)).toEqual(['hello-1']);
  end(registry, machine);
  await vi.waitFor(() => expect(existsSync(dir)).toBe(false), 5_000);
});

it.each(['elsewhere/12-34-abcdef', 'run/sockets/precious', 'run/sockets'])(
  'ignores a machine that names %s as the place of its sockets',
  async (place) => {
    const dir = `${home}/${place}`;
    mkdirSync(dir, { recursive: true });
    const machine = keptMachine(dir);
    const registry = await registryWith(machine);
    expect(registry.list()).toEqual([]);
    end(registry, machine);
    await settle();
    expect(existsSync(dir)).toBe(true);
  },
);

it.each([
  [
    'its metadata cannot be read',
    { readMetadata: () => Promise.reject(new FirstlightError('LIBVIRT_LOST', 'closed')) },
  ],
  ['its state cannot be read', { readState: () => Promise.reject(new FirstlightError('LIBVIRT_LOST', 'closed')) }],
])('deletes no files when of one machine %s', async (_, failing) => {
  const [kept, other] = ['12-34-abcdef', '12-34-fedcba'].map((name) => join(layout.socketsDir, name));
  for (const dir of [kept, other]) mkdirSync(dir as string, { recursive: true });
  await expect(registryWith({ ...keptMachine(kept as string), ...failing })).rejects.toThrow(FirstlightError);
  expect([kept, other].map((dir) => existsSync(dir as string))).toEqual([true, true]);
});

it('deletes what dead owners left, but not what a running process uses', async () => {
  const [used, unused] = ['12-34-abcdef', '12-34-fedcba'].map((name) => join(layout.socketsDir, name)) as [
    string,
    string,
  ];
  for (const dir of [used, unused]) mkdirSync(dir, { recursive: true });
  const server = createServer().listen(join(used, 'serial.sock'));
  await new Promise((resolve) => server.once('listening', resolve));
  try {
    await registryWith(fakeMachine({ name: 'firstlight-of-another' }));
    expect([existsSync(used), existsSync(unused)]).toEqual([true, false]);
  } finally {
    server.close();
  }
});

it('waits at the end for an orphan that it ends', async () => {
  const dir = join(layout.socketsDir, '12-34-abcdef');
  mkdirSync(dir, { recursive: true });
  const { promise, resolve } = createDeferred();
  const registry = await registryWith({ ...keptMachine(dir, { firstRunEnded: false }), kill: () => promise });
  const order: string[] = [];
  const over = registry.shutDownInstances(60_000).then(() => order.push('over'));
  order.push('gone');
  resolve();
  await over;
  expect(order).toEqual(['gone', 'over']);
  expect(existsSync(dir)).toBe(false);
});

it('ends a kept instance whose first run never ended, once its owner is dead', async () => {
  const dir = join(layout.socketsDir, '12-34-abcdef');
  mkdirSync(dir, { recursive: true });
  const machine = keptMachine(dir, { firstRunEnded: false });
  const kill = vi.spyOn(machine, 'kill');
  const registry = await registryWith(machine);
  expect(registry.list()).toEqual([]);
  expect(kill).toHaveBeenCalledOnce();
  await vi.waitFor(() => expect(existsSync(dir)).toBe(false), 5_000);
});

it('knows its home by any name that leads there', async () => {
  const link = `${home}-link`;
  symlinkSync(home, link);
  try {
    const dir = join(layout.socketsDir, '12-34-abcdef');
    mkdirSync(dir, { recursive: true });
    const machine = keptMachine(dir);
    layout = createLayout({ home: link, env: {}, uid: 1000 });
    const registry = await registryWith(machine);
    expect(registry.list().map(({ id }) => id)).toEqual(['hello-1']);
    expect(existsSync(dir)).toBe(true);
  } finally {
    rmSync(link);
  }
});

it('says so when libvirt would not end an instance, and keeps its files', async () => {
  const dir = join(layout.socketsDir, '12-34-abcdef');
  mkdirSync(dir, { recursive: true });
  const machine = { ...keptMachine(dir), kill: () => Promise.reject(new Error('refused')) };
  const registry = await registryWith(machine);
  await expect(registry.get('hello-1' as never).stopAndWait()).rejects.toThrow('refused');
  expect(registry.list()[0]?.state).toBe('ready');
  expect(existsSync(dir)).toBe(true);
});

it('asks again for an end that the connection did not bring, when it is back', async () => {
  const dir = join(layout.socketsDir, '12-34-abcdef');
  mkdirSync(dir, { recursive: true });
  const machine = { ...keptMachine(dir), kill: () => Promise.reject(new Error('lost')) };
  const registry = newRegistry();
  const machines = [machine as RunningMachine];
  const only = fakeHost(layout, { list: async () => [...machines] });
  await registry.reconcile(only, [only]);
  await expect(registry.get('hello-1' as never).stopAndWait()).rejects.toThrow('lost');
  const kill = vi.fn(async () => undefined);
  machines[0] = { ...machine, kill };
  await registry.reconcile(only, [only]);
  expect(kill).toHaveBeenCalledOnce();
  await registry.get('hello-1' as never).gone;
});

it('lists the instances of all hosts together, and knows which of them each host has', async () => {
  const [here, there] = ['12-34-abcdef', '12-34-fedcba'].map((name) => join(layout.socketsDir, name)) as [
    string,
    string,
  ];
  const onLab = [{ ...keptMachine(there, { id: 'hello-2' }), uuid: '8f0c2c0e-0000-4000-8000-000000000002' }];
  const [local, lab] = [host([keptMachine(here)]), host(onLab, 'lab')];
  const registry = newRegistry();
  for (const one of [local, lab]) await registry.reconcile(one, [local, lab]);
  const listed = () => registry.list().map(({ id, host: name, state }) => [id, name, state]);
  expect(listed()).toEqual([
    ['hello-1', 'local', 'ready'],
    ['hello-2', 'lab', 'ready'],
  ]);
  onLab.pop();
  await registry.reconcile(lab, [local, lab]);
  expect(listed()).toEqual([
    ['hello-1', 'local', 'ready'],
    ['hello-2', 'lab', 'failed'],
  ]);
  registry.forgetHost('lab');
  expect(listed()).toEqual([['hello-1', 'local', 'ready']]);
});

it('lists the instances of a daemon once that two hosts lead to', async () => {
  const machine = keptMachine(join(layout.socketsDir, '12-34-abcdef'));
  const [local, twin] = [host([machine]), host([machine], 'twin')];
  const registry = newRegistry();
  for (const one of [local, twin]) await registry.reconcile(one, [local, twin]);
  expect(registry.list().map(({ id, host: name }) => [id, name])).toEqual([['hello-1', 'local']]);
});

it('deletes no leftover files while one of the hosts has not been read', async () => {
  const leftover = join(layout.socketsDir, '12-34-abcdef');
  mkdirSync(leftover, { recursive: true });
  const [local, lab] = [host([]), host([], 'lab')];
  const registry = newRegistry();
  await registry.reconcile(local, [local, lab]);
  expect(existsSync(leftover)).toBe(true);
  await registry.reconcile(lab, [local, lab]);
  expect(existsSync(leftover)).toBe(false);
});
