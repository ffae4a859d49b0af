import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Domain, LifecycleEvent } from 'node-libvirt';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createLayout, type Layout } from '#core/store/layout.ts';
import { FirstlightError } from '#shared/errors.ts';
import { type InstanceRecord, writeMetadata } from './metadata.ts';
import { createRegistry, type Registry, type RegistryOptions } from './registry.ts';

let home: string;
let layout: Layout;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'fl-registry-'));
  layout = createLayout({ home, env: {}, uid: 1000 });
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

/** A domain that an earlier process kept. */
function keptDomain(socketDir: string, more: object = {}): Domain {
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
  const domain = {
    name: 'firstlight-hello-1',
    uuid: '8f0c2c0e-0000-4000-8000-000000000000',
    getMetadata: async () => writeMetadata(record as unknown as InstanceRecord),
    state: async () => ({ state: 'running' }),
    destroy: async () => undefined,
  };
  return domain as unknown as Domain;
}

/** One that is none of ours. */
const foreignDomain = () => ({ name: 'someones', uuid: '8f0c2c0e-0000-4000-8000-000000000001' }) as unknown as Domain;

async function registryWith(domain: Domain): Promise<Registry> {
  const registry = createRegistry({
    link: { uri: 'test:///default', connection: async () => ({ listDomains: async () => [domain] }) },
    layout,
    runtimes: new Map([['ember', { readPanic: () => null }]]),
    bootTimeoutMs: 1000,
    onChange: () => undefined,
    onRemoved: () => undefined,
    log: () => undefined,
  } as unknown as RegistryOptions);
  await registry.reconcile();
  return registry;
}

const stopped = (domain: Domain) => ({ domain, event: 'stopped', detail: 'shutdown' }) as LifecycleEvent;
const settle = () => new Promise((resolve) => setTimeout(resolve, 50));

it('takes over an instance that was kept, and removes its sockets when it ends', async () => {
  const dir = join(layout.socketsDir, '12-34-abcdef');
  mkdirSync(dir, { recursive: true });
  const domain = keptDomain(dir);
  const registry = await registryWith(domain);
  expect(registry.list().map(({ id }) => id)).toEqual(['hello-1']);
  registry.onLifecycle(stopped(domain));
  await settle();
  expect(existsSync(dir)).toBe(false);
});

it.each(['elsewhere/12-34-abcdef', 'run/sockets/precious', 'run/sockets'])(
  'has nothing to do with a domain that names %s as its sockets’ place',
  async (place) => {
    const dir = `${home}/${place}`;
    mkdirSync(dir, { recursive: true });
    const domain = keptDomain(dir);
    const registry = await registryWith(domain);
    expect(registry.list()).toEqual([]);
    registry.onLifecycle(stopped(domain));
    await settle();
    expect(existsSync(dir)).toBe(true);
  },
);

it.each([
  ['its metadata cannot be read', { getMetadata: () => Promise.reject(new Error('connection closed')) }],
  ['its state cannot be read', { state: () => Promise.reject(new Error('connection closed')) }],
])('deletes nothing of anybody when of one domain %s', async (_, failing) => {
  const [kept, other] = ['12-34-abcdef', '12-34-fedcba'].map((name) => join(layout.socketsDir, name));
  for (const dir of [kept, other]) mkdirSync(dir as string, { recursive: true });
  await expect(registryWith({ ...keptDomain(kept as string), ...failing } as unknown as Domain)).rejects.toThrow(
    FirstlightError,
  );
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
    await registryWith(foreignDomain());
    expect([existsSync(used), existsSync(unused)]).toEqual([true, false]);
  } finally {
    server.close();
  }
});

it('ends a kept instance whose first run never ended, once its owner is dead', async () => {
  const dir = join(layout.socketsDir, '12-34-abcdef');
  mkdirSync(dir, { recursive: true });
  const domain = keptDomain(dir, { firstRunEnded: false });
  const destroy = vi.spyOn(domain, 'destroy');
  const registry = await registryWith(domain);
  expect(registry.list()).toEqual([]);
  expect(destroy).toHaveBeenCalledOnce();
  await settle();
  expect(existsSync(dir)).toBe(false);
});

it('knows its home by any name that leads there', async () => {
  const link = `${home}-link`;
  symlinkSync(home, link);
  try {
    const dir = join(layout.socketsDir, '12-34-abcdef');
    mkdirSync(dir, { recursive: true });
    const domain = keptDomain(dir);
    layout = createLayout({ home: link, env: {}, uid: 1000 });
    const registry = await registryWith(domain);
    expect(registry.list().map(({ id }) => id)).toEqual(['hello-1']);
    expect(existsSync(dir)).toBe(true);
  } finally {
    rmSync(link);
  }
});

it('says so when libvirt would not end an instance, and keeps its files', async () => {
  const dir = join(layout.socketsDir, '12-34-abcdef');
  mkdirSync(dir, { recursive: true });
  const domain = { ...keptDomain(dir), destroy: () => Promise.reject(new Error('refused')) } as unknown as Domain;
  const registry = await registryWith(domain);
  await expect(registry.get('hello-1' as never).stopAndWait()).rejects.toThrow('refused');
  expect(registry.list()[0]?.state).toBe('ready');
  expect(existsSync(dir)).toBe(true);
});
