import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Runtime } from '#core/runtime/runtime.ts';
import { exclusiveResourceOf } from '#core/runtimes/nanos/exclusive-resource.ts';
import { createLayout } from '#core/store/layout.ts';
import type { Host } from '#core/vmm/host.ts';
import { type PlacedMachine, plainMachine } from '#core/vmm/machine.ts';
import { fakeHost, fakeMachine } from '#core/vmm/testing/fake-vmm.ts';
import type { RunningMachine } from '#core/vmm/vmm.ts';
import { FirstlightError } from '#shared/errors.ts';
import { projectConfigSchema } from '#shared/model/project.ts';
import type { ProjectId } from '#shared/model/units.ts';
import { createRegistry, type Registry, type RegistryOptions } from './registry.ts';
import type { LaunchSpec } from './types.ts';

let home: string;
let host: Host;
let registry: Registry;
let calls: string[];
/** The guest's reaction to a power-off request. */
let onShutdown: 'ends' | 'stays';
const servers: Server[] = [];
const [mine, other] = ['0123456789ab', 'ba9876543210'] as [ProjectId, ProjectId];

const runtime: Partial<Runtime> = {
  id: 'nanos',
  exclusiveResourceOf,
  prepareMachine: async () => ({
    machine: plainMachine({ accel: 'tcg', memoryMiB: 256, vcpus: 1 }, { kernel: null }),
    sessionInfo: null,
  }),
  openSession: async () => ({
    ready: Promise.resolve(),
    invoke: () => new Promise(() => undefined),
    sampleClock: async () => [],
    closed: new Promise(() => undefined),
    close: () => undefined,
  }),
  readPanic: () => null,
};

/** A machine with its serial port at the socket that it was given. */
async function create({ name, uuid, sockets }: PlacedMachine): Promise<RunningMachine> {
  const server = createServer((socket) => void socket.on('error', () => undefined)).listen(sockets.serial);
  servers.push(server);
  const end = () => registry.listenerOf(() => host).onEnded(uuid, 'shutdown');
  const [, label = ''] = /^firstlight-(.*)-[0-9a-f]{8}$/.exec(name) ?? [];
  return fakeMachine({
    name,
    uuid,
    shutDown: async () => {
      calls.push(`${label} shutdown`);
      if (onShutdown === 'ends') setTimeout(end, 20);
    },
    kill: async () => {
      calls.push(`${label} kill`);
    },
  });
}

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'fl-release-'));
  calls = [];
  onShutdown = 'ends';
  host = fakeHost(createLayout({ home, env: {}, uid: process.getuid?.() ?? 0 }), { create });
  registry = createRegistry({
    runtimes: new Map([['nanos', runtime]]),
    bootTimeoutMs: 1000,
    onChange: () => undefined,
    onRemoved: () => undefined,
    log: () => undefined,
  } as unknown as RegistryOptions);
});
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  rmSync(home, { recursive: true, force: true });
});

async function launch(name: string, keys: object, more: Partial<LaunchSpec> = {}) {
  const config = projectConfigSchema.parse({ name, runtime: 'nanos', memoryMiB: 256, ...keys });
  const ids = { id: 'a'.repeat(64), bundleId: 'b'.repeat(64) };
  const image = { ...ids, runtime: 'nanos', path: '/image', bytes: 1, minMemoryMiB: 1, functionName: name };
  const spec = {
    host,
    projectId: mine,
    config,
    image,
    startMode: 'cold',
    accel: 'tcg',
    keep: false,
    runId: null,
    ...more,
  };
  return (await registry.launch({ createdAt: '', signal: undefined, ...spec } as unknown as LaunchSpec)).instance;
}
const volumes = { volumes: { data: { mount: '/data' } } };
const states = () => Object.fromEntries(registry.list().map(({ functionName, state }) => [functionName, state]));

it('ends a project’s own instances with an exclusive resource, and no others', async () => {
  await launch('plain', {});
  await launch('ports', { hostPort: 4000 });
  await launch('kept', { hostPort: 4000 }, { keep: true });
  await launch('other', { hostPort: 4000 }, { projectId: other });
  await registry.release(mine);
  expect(calls).toEqual(['ports kill']);
  expect(states()).toEqual({ plain: 'prestarted', ports: 'stopped', kept: 'prestarted', other: 'prestarted' });
  // It is gone: the next caller has nothing to wait for.
  await registry.release(mine);
  expect(calls).toHaveLength(1);
});

it('ends those with volumes in good order, and those that never ran at once', async () => {
  const ran = await launch('ran', volumes);
  ran.resumeFirst();
  await launch('never', volumes);
  await launch('ports', { hostPort: 4000 });
  await registry.shutDownInstances(5000);
  expect(calls.sort()).toEqual(['never kill', 'ran shutdown']);
  expect(states()).toEqual({ ran: 'stopped', never: 'stopped', ports: 'prestarted' });
});

it('waits for a guest that does not end no longer than it may', async () => {
  onShutdown = 'stays';
  const ran = await launch('ran', volumes);
  ran.resumeFirst();
  await registry.shutDownInstances(50);
  expect([calls, states()]).toEqual([['ran shutdown'], { ran: 'stopping' }]);
  // The next caller waits for the same end, and does not request it a second time.
  await registry.release(mine);
  expect([calls, states()]).toEqual([['ran shutdown', 'ran kill'], { ran: 'stopped' }]);
});

it('a machine that was created when the host was lost is ended when the host is back', async () => {
  const made: RunningMachine[] = [];
  const kill = vi.fn(async () => undefined);
  const lost = new FirstlightError('LIBVIRT_LOST', 'The connection to libvirt is lost.');
  const away = fakeHost(host.layout, {
    create: async ({ name, uuid }, { metadata }) => {
      made.push(fakeMachine({ name, uuid, kill, readMetadata: async () => metadata }));
      throw lost;
    },
    list: async () => made,
  });
  await expect(launch('nothing', {}, { host: away })).rejects.toBe(lost);
  await registry.reconcile(away, [away]);
  expect(kill).toHaveBeenCalledOnce();
  expect(registry.list()).toEqual([]);
});
