import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Runtime } from '#core/runtime/runtime.ts';
import type { GuestSession, InstanceLink, InvocationResult } from '#core/runtime/session.ts';
import { readEmberPanic } from '#core/runtimes/ember/read-panic.ts';
import type { Layout } from '#core/store/layout.ts';
import { socketPathsIn } from '#core/vmm/socket-dir.ts';
import { fakeHost, fakeMachine } from '#core/vmm/testing/fake-vmm.ts';
import type { RunningMachine } from '#core/vmm/vmm.ts';
import { FirstlightError } from '#shared/errors.ts';
import { hostNs } from '#shared/model/units.ts';
import type { InstanceRecord } from './instance-record.ts';
import { LiveInstance } from './live-instance.ts';

let dir: string;
const servers: Server[] = [];
const peers: Socket[] = [];
const channels: PassThrough[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fl-live-'));
});
afterEach(() => {
  for (const peer of peers.splice(0)) peer.destroy();
  for (const server of servers.splice(0)) server.close();
  channels.length = 0;
  rmSync(dir, { recursive: true, force: true });
});

/** A socket like QEMU's; its first client. */
async function listen(path: string): Promise<{ readonly client: Promise<Socket> }> {
  const server = createServer();
  servers.push(server);
  const connected = new Promise<Socket>((resolve) => {
    server.on('connection', (socket) => {
      peers.push(socket);
      resolve(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return { client: connected };
}

const answer: InvocationResult = {
  outcome: { ok: true, response: { status: 200, headers: {}, body: { kind: 'text', value: 'ok' }, bytes: 2 as never } },
  sentAtNs: hostNs(0),
  receivedAtNs: hostNs(1),
  marks: [],
  received: [],
};

/** An instance whose guest answers after `answerMs`, or not at all. */
function createInstance(
  answerMs: number | null,
  ours = true,
  more: { readonly session?: Partial<GuestSession>; readonly machine?: Partial<RunningMachine> } = {},
): LiveInstance {
  const session: GuestSession = {
    ready: Promise.resolve(),
    invoke: () => (answerMs === null ? new Promise(() => undefined) : sleep(answerMs, answer)),
    sampleClock: async () => [],
    closed: new Promise(() => undefined),
    close: () => undefined,
    ...more.session,
  };
  const machine = fakeMachine({
    ...more.machine,
    openChannel: async () => {
      if (channels.some((channel) => !channel.destroyed))
        throw new FirstlightError('CONFLICT', 'Another client has the channel.');
      const channel = new PassThrough();
      channels.push(channel);
      return channel;
    },
  });
  return new LiveInstance({
    record: { id: 'hello-1', socketDir: dir, imagePath: '/image', owner: { pid: 1 }, runId: null } as InstanceRecord,
    host: fakeHost({} as Layout),
    machine,
    state: 'ready',
    runtime: {
      openSession: async ({ openChannel }: InstanceLink) => {
        const channel = await openChannel('invoke');
        return { ...session, close: () => channel.destroy() };
      },
      readPanic: readEmberPanic,
    } as unknown as Runtime,
    ours,
    onChange: () => undefined,
    onGone: async () => undefined,
    bootTimeoutMs: 10_000,
  });
}

describe('a panic', () => {
  it('is not what the function prints like one', async () => {
    const paths = socketPathsIn(dir);
    await listen(paths.serial);
    const port = await listen(paths.console);
    const instance = createInstance(1_300);
    const invoked = instance.invoke({ event: null, timeoutMs: 5_000 });
    (await port.client).write('ember: panic: pretend\n');
    expect((await invoked).outcome).toMatchObject({ ok: true });
    expect(instance.console.tail(100)).toContain('pretend');
    expect(instance.state).toBe('ready');
  });

  it('comes by the serial port, and ends an invocation that is not answered', async () => {
    const paths = socketPathsIn(dir);
    const serial = await listen(paths.serial);
    await listen(paths.console);
    const instance = createInstance(null);
    const invoked = instance.invoke({ event: null, timeoutMs: 5_000 });
    (await serial.client).write('\r\nember: panic: no memory\r\n');
    expect((await invoked).outcome).toMatchObject({ ok: false, error: { code: 'GUEST_PANICKED' } });
  });
});

describe('connecting', () => {
  it('leaves neither channel nor socket open when one of the console’s sockets fails, and works the next time', async () => {
    const paths = socketPathsIn(dir);
    const port = await listen(paths.console);
    const instance = createInstance(10);
    await expect(instance.connect()).rejects.toMatchObject({ code: 'CHANNEL_BROKEN' });
    expect(channels.map((channel) => channel.destroyed)).toEqual([true]);
    const left = await port.client;
    left.resume();
    await vi.waitFor(() => expect(left.readableEnded || left.destroyed).toBe(true), 1_000);
    await listen(paths.serial);
    await expect(instance.connect()).resolves.toBeDefined();
  });
});

describe('the end of an instance', () => {
  it('is explained by the VMM that refused its start', async () => {
    await listen(socketPathsIn(dir).serial);
    await listen(socketPathsIn(dir).console);
    const refused = new FirstlightError('BOOT_FAILED', 'Firecracker refused PUT /actions: Permission denied');
    const broken = new FirstlightError('CHANNEL_BROKEN', 'The channel to the guest ended before it answered.');
    let breakChannel: (() => void) | undefined;
    const killed = new Promise<void>((resolve) => {
      breakChannel = resolve;
    });
    const failed: InvocationResult = { ...answer, outcome: { ok: false, error: broken, fatal: true } };
    const instance = createInstance(null, true, {
      session: { invoke: () => killed.then(() => failed) },
      machine: {
        resume: () => ({ sentNs: hostNs(1), doneNs: Promise.reject(refused) }),
        kill: async () => {
          instance.ended('destroyed');
          breakChannel?.();
        },
      },
    });
    const invoked = instance.invoke({ event: null, timeoutMs: 5_000 });
    await instance.connect();
    instance.resumeFirst();
    expect((await invoked).outcome).toMatchObject({ ok: false, error: { message: refused.message } });
    expect(instance.info.failure).toBe(refused.message);
  });

  it('is a failure when nobody asked for it, and just its end when it belongs to another process', () => {
    const mine = createInstance(null);
    mine.ended('destroyed');
    expect(mine.info).toMatchObject({ state: 'failed', failure: 'It was destroyed by another program.' });
    const theirs = createInstance(null, false);
    theirs.ended('destroyed');
    expect(theirs.info).toMatchObject({ state: 'stopped', failure: null });
  });
});
