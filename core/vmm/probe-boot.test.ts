import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createLayout, type Layout } from '#core/store/layout.ts';
import type { Machine } from './machine.ts';
import { type BootProbe, probeBoot } from './probe-boot.ts';
import { fakeMachine, fakeVmm } from './testing/fake-vmm.ts';

let home: string;
let layout: Layout;
const servers: Server[] = [];

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'fl-probe-'));
  layout = createLayout({ home, env: {}, uid: 1000 });
});
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  rmSync(home, { recursive: true, force: true });
});

/** A guest that prints a byte as soon as its console is opened, and takes its time to end. */
function probeOf(kill: () => Promise<void>, totalMs: number): BootProbe {
  const vmm = fakeVmm({
    create: async ({ sockets }) => {
      const server = createServer((socket) => void socket.end('x')).listen(sockets.serial);
      servers.push(server);
      await new Promise((resolve) => server.once('listening', resolve));
      return fakeMachine({ kill });
    },
  });
  const machine = {} as Machine;
  const makeMachine: BootProbe['makeMachine'] = async (makeDiskDir) => {
    await makeDiskDir();
    return machine;
  };
  return { vmm, layout, title: 'a test', doing: 'test', makeMachine, patienceMs: 5_000, totalMs };
}

it('has ended the guest and removed its files when it settles: a command may end right after it', async () => {
  let isEnded = false;
  const kill = async () => {
    await sleep(50);
    for (const server of servers.splice(0)) server.close();
    isEnded = true;
  };
  expect(await probeBoot(probeOf(kill, 10_000))).toEqual({ kind: 'spoke' });
  expect(isEnded).toBe(true);
  expect([...readdirSync(layout.socketsDir), ...readdirSync(layout.disksDir)]).toEqual([]);
});

it('does not wait without end for a guest that cannot be ended, and keeps what it found', async () => {
  const never = new Promise<void>(() => undefined);
  expect(await probeBoot(probeOf(() => never, 1_000))).toEqual({ kind: 'spoke' });
});
