import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createLibvirtLink } from './libvirt-link.ts';

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
    onState: (state) => states.push(state),
    onLifecycle: () => undefined,
    onLost: () => undefined,
    onReopened: () => undefined,
  });
  await expect(link.connection()).rejects.toMatchObject({
    code: 'LIBVIRT_UNREACHABLE',
    message: expect.stringContaining('does not answer within 4 s'),
    // This machine's own daemon is another one.
    hint: expect.not.stringContaining('libvirtd'),
  });
  expect(states).toEqual(['lost']);
  await link.close();
});
