import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeLibvirt } from 'node-libvirt/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createLibvirtLink } from './libvirt-link.ts';

const quiet = { onLifecycle: () => undefined, onLost: () => undefined, onReopened: () => undefined };

let dir: string;
let server: Server;
const sockets = new Set<Socket>();

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'fl-link-'));
  server = createServer((socket) => sockets.add(socket)).listen(join(dir, 's'));
  await new Promise((resolve) => server.once('listening', resolve));
});
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
  rmSync(dir, { recursive: true, force: true });
});

it('gives a daemon up that takes connections and says nothing', async () => {
  const states: string[] = [];
  const link = createLibvirtLink(`qemu:///session?socket=${join(dir, 's')}`, {
    ...quiet,
    onState: (state) => states.push(state),
  });
  await expect(link.connection()).rejects.toMatchObject({
    code: 'LIBVIRT_UNREACHABLE',
    message: expect.stringContaining('does not answer within 3 s'),
    // This machine's own daemon is another one.
    hint: expect.not.stringContaining('libvirtd'),
  });
  expect(states).toEqual(['lost']);
  await link.close();
});

it('gives a daemon up that falls silent while it is connected to', async () => {
  await using fake = await FakeLibvirt.start();
  fake.inject({ call: 'connectDomainEventCallbackRegisterAny', fault: { kind: 'silence' } });
  const link = createLibvirtLink(fake.uri, { ...quiet, onState: () => undefined });
  await expect(link.connection()).rejects.toMatchObject({ code: 'LIBVIRT_UNREACHABLE' });
  expect(link.state).toBe('lost');
  await link.connection();
  expect(link.state).toBe('connected');
  await link.close();
});

it('calls a daemon lost that does not answer a plain question, until it does', async () => {
  await using fake = await FakeLibvirt.start();
  const states: string[] = [];
  const link = createLibvirtLink(fake.uri, { ...quiet, onState: (state) => states.push(state) });
  const list = () => link.ask('list', (connection, options) => connection.listDomains(options));
  fake.inject({ call: 'connectListAllDomains', fault: { kind: 'silence' } });
  await expect(list()).rejects.toMatchObject({
    code: 'LIBVIRT_UNREACHABLE',
    message: expect.stringContaining('does not answer within 3 s'),
  });
  expect(await list()).toEqual([]);
  expect(states).toEqual(['connected', 'lost', 'connected']);
  await link.close();
});
