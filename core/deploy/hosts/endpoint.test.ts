import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, it } from 'vitest';
import { anyAddress, loopbackAddress } from '#shared/model/deploy.ts';
import { dialerOf, endpointOf } from './endpoint.ts';
import type { TargetHost } from './fleet.ts';
import type { DeployedRecord } from './record.ts';

/** A host that is reached directly, as by TLS. */
const place = (address: string) => ({ address, carriesTcp: false }) as TargetHost;
const record = (port: number, listen = anyAddress) => ({ port, listen }) as DeployedRecord;

it.each([
  ['::1', '[::1]'],
  ['127.0.0.1', '127.0.0.1'],
  ['localhost', 'localhost'],
])('an endpoint on %s is called at the host %s', async (host, address) => {
  const server = createServer((socket) => socket.end('here')).listen(0, host);
  await once(server, 'listening');
  try {
    const dial = dialerOf(place(address), record((server.address() as AddressInfo).port));
    const stream = await dial?.(AbortSignal.timeout(10_000));
    const chunks = await stream?.toArray();
    expect(String(chunks)).toBe('here');
  } finally {
    server.close();
  }
});

it('is a URL with the address of the host', () => {
  expect(endpointOf(place('[fd00::1]'), record(28_000))).toBe('http://[fd00::1]:28000');
  expect(endpointOf(place('lab'), record(28_000))).toBe('http://lab:28000');
  expect(endpointOf(place('lab'), record(28_000, loopbackAddress))).toBe('http://127.0.0.1:28000');
  expect(endpointOf(place('lab'), record(0))).toBeNull();
});
