import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Domain, LifecycleEvent } from 'node-libvirt';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createLayout, type Layout } from '#core/store/layout.ts';
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
function keptDomain(socketDir: string): Domain {
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
