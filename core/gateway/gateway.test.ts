import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { parseConfig } from '#core/config/parse-config.ts';
import { projectIdOf } from '#core/config/project-paths.ts';
import { runtimes } from '#core/engine/runtimes.ts';
import { FirstlightError } from '#shared/errors.ts';
import { gatewayLimitsSchema } from '#shared/model/gateway.ts';
import type { Project } from '#shared/model/project.ts';
import { type GatewayOptions, type RunningGateway, startGateway } from './gateway.ts';

const project: Project = {
  id: projectIdOf('/f'),
  dir: '/f',
  name: 'f',
  config: parseConfig('{"name":"f"}', runtimes).config,
  problems: [],
  trusted: false,
  asks: [],
};

let gateway: RunningGateway | null = null;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await gateway?.close();
  gateway = null;
});

async function open(more: Partial<GatewayOptions>): Promise<number> {
  gateway = await startGateway({
    port: 0,
    limits: gatewayLimitsSchema.parse({}),
    listProjects: async () => [project],
    mostInstances: () => 1,
    watchProject: async () => undefined,
    start: () => Promise.reject(new FirstlightError('BOOT_FAILED', 'nothing starts here')),
    onChange: () => undefined,
    onAnswered: () => undefined,
    ...more,
  });
  return Number(new URL((await gateway.status()).url).port);
}

function dial(port: number): { readonly socket: Socket; readonly closed: Promise<void> } {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  sockets.push(socket);
  socket.resume();
  return { socket, closed: new Promise((resolve) => socket.on('close', () => resolve())) };
}

describe('slow connections to the gateway', () => {
  it.each([
    ['sends nothing', ''],
    ['sends half a request', 'GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nx-slow: '],
    ['keeps a body back', 'POST /function/f HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 10\r\n\r\n'],
  ])('one that %s is closed', async (_, words) => {
    const { socket, closed } = dial(await open({ slowMs: 100 }));
    socket.write(words);
    await closed;
    expect(socket.destroyed).toBe(true);
  });

  it('are bounded in number, and one that goes makes room', async () => {
    const port = await open({ maxConnections: 2 });
    const dialled = [1, 2, 3].map(() => dial(port));
    await Promise.race(dialled.map(({ closed }) => closed));
    const kept = dialled.filter(({ socket }) => !socket.destroyed);
    expect(kept).toHaveLength(2);
    for (const { socket } of kept) socket.destroy();
    await Promise.all(dialled.map(({ closed }) => closed));
    await vi.waitFor(async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } });
      expect(answer.status).toBe(200);
    });
  });
});
