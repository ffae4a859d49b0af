import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { keepAlive } from './keep-alive.ts';

const everyMs = 100;
let server: WebSocketServer;
let client: WebSocket;
let accepted: WebSocket;
beforeEach(async () => {
  server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  const connected = once(server, 'connection');
  client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, { autoPong: false });
  client.on('error', () => undefined);
  await once(client, 'open');
  [accepted] = (await connected) as [WebSocket];
  accepted.on('error', () => undefined);
  keepAlive(accepted, everyMs);
});
afterEach(() => {
  client.terminate();
  server.close();
});

it('ends a connection whose peer does not answer', async () => {
  await once(accepted, 'close');
  expect(accepted.readyState).toBe(WebSocket.CLOSED);
});

it('keeps one whose peer sends, and bears with one that data waits for', async () => {
  const sending = setInterval(() => client.send('here'), everyMs / 4);
  await sleep(6 * everyMs);
  clearInterval(sending);
  expect(accepted.readyState).toBe(WebSocket.OPEN);
  client.pause();
  accepted.send(Buffer.alloc(64 << 20));
  await sleep(4 * everyMs);
  expect(accepted.readyState).toBe(WebSocket.OPEN);
  await once(accepted, 'close');
});
