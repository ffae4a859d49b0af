import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { projectConfigSchema } from '#shared/model/project.ts';
import { chooseForwards } from './user-network.ts';

const open: { close: () => void }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

const choose = (config: object) =>
  chooseForwards(projectConfigSchema.parse({ name: 'p', runtime: 'nanos', memoryMiB: 256, ...config }));
async function listen(port = 0): Promise<number> {
  const server: Server = createServer().listen(port, '127.0.0.1');
  open.push(server);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const [forward] = await choose({});
  return forward?.hostPort ?? 0;
}

it('takes free ports, the program’s own first, and leaves them free', async () => {
  const ports = Array.from({ length: 20 }, (_, index) => ({ guest: 9000 + index }));
  const forwards = await choose({ port: 3000, ports });
  expect(forwards.map(({ protocol, guestPort }) => [protocol, guestPort])).toEqual([
    ['tcp', 3000],
    ...ports.map(({ guest }) => ['tcp', guest]),
  ]);
  const chosen = forwards.map(({ hostPort }) => hostPort);
  expect(new Set(chosen).size).toBe(21);
  expect(Math.min(...chosen)).toBeGreaterThan(1023);
  expect(await listen(forwards[0]?.hostPort)).toBe(forwards[0]?.hostPort);
});

it('takes those that are asked for by number, and none for a program that serves nothing', async () => {
  const [web, other] = [await freePort(), await freePort()];
  expect(await choose({ hostPort: web, ports: [{ guest: 53, host: other, udp: true }] })).toEqual([
    { protocol: 'tcp', hostPort: web, guestPort: 8080 },
    { protocol: 'udp', hostPort: other, guestPort: 53 },
  ]);
  expect(await choose({ port: null })).toEqual([]);
  const same = [{ protocol: 'udp', hostPort: other, guestPort: other }];
  expect(await choose({ port: null, ports: [{ guest: other, udp: true }] })).toEqual(same);
});

it('says which one is taken', async () => {
  const taken = await listen();
  const error = {
    code: 'PORT_IN_USE',
    message: `Port ${taken} on 127.0.0.1 is taken.`,
    details: { subject: `${taken}` },
  };
  await expect(choose({ hostPort: taken })).rejects.toMatchObject(error);
  await expect(choose({ ports: [{ guest: 1, host: taken }] })).rejects.toMatchObject(error);
  // The same number of the other protocol is another port.
  expect(await choose({ port: null, ports: [{ guest: 1, host: taken, udp: true }] })).toHaveLength(1);
  const socket = createSocket('udp4');
  open.push(socket);
  socket.bind(taken, '127.0.0.1');
  await once(socket, 'listening');
  await expect(choose({ ports: [{ guest: 1, host: taken, udp: true }] })).rejects.toMatchObject({
    message: `UDP port ${taken} on 127.0.0.1 is taken.`,
  });
});

it('does not give one port twice', async () => {
  const port = await freePort();
  await expect(choose({ hostPort: port, ports: [{ guest: 1, host: port }] })).rejects.toMatchObject({
    code: 'PORT_IN_USE',
  });
  // The port reserved for the first is free again.
  expect(await listen(port)).toBe(port);
});
