import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, it } from 'vitest';
import { anyAddress, loopbackAddress } from '#shared/model/deploy.ts';
import { dialerOf, endpointOf } from './endpoint.ts';
import type { TargetHost } from './fleet.ts';
import type { DeployedRecord } from './record.ts';

/** A host that is reached directly, as by TLS. */
const place = (uri: string) =>
  ({ uri, label: uri, connection: { canConnectTcp: false } }) as Pick<TargetHost, 'uri' | 'connection' | 'label'>;
const record = (port: number, listen = anyAddress) => ({ port, listen }) as DeployedRecord;

it.each([
  ['::1', 'qemu+tls://[::1]/system'],
  ['127.0.0.1', 'qemu+tls://127.0.0.1:16514/system'],
  ['localhost', 'qemu+tls://localhost/system'],
])('an endpoint on %s is called at the host of %s', async (host, uri) => {
  const server = createServer((socket) => socket.end('here')).listen(0, host);
  await once(server, 'listening');
  try {
    const dial = dialerOf(place(uri), record((server.address() as AddressInfo).port));
    const stream = await dial?.(AbortSignal.timeout(10_000));
    const chunks = await stream?.toArray();
    expect(String(chunks)).toBe('here');
  } finally {
    server.close();
  }
});

it('is a URL with the host as its address has it', () => {
  expect(endpointOf(place('qemu+tls://[fd00::1]/system'), record(28_000))).toBe('http://[fd00::1]:28000');
  expect(endpointOf(place('qemu+ssh://me@lab:2222/system'), record(28_000))).toBe('http://lab:28000');
  expect(endpointOf(place('qemu+ssh://me@lab/system'), record(28_000, loopbackAddress))).toBe('http://127.0.0.1:28000');
  expect(endpointOf(place('qemu+tls://lab/system'), record(0))).toBeNull();
});
