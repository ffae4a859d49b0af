import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { chooseForwards, userNetwork } from '#core/runtime/user-network.ts';
import { encodeSeed } from '#core/runtimes/ember/channel.ts';
import { type ImageNetwork, unassigned } from '#core/runtimes/ember/image.ts';
import type { Baker } from '#core/runtimes/ember/index.ts';
import { quantile } from '#shared/statistics/statistics.ts';
import { Machine } from '../../guest/test/machine.ts';
import { round } from './figures.ts';
import type { BenchOptions } from './options.ts';

type Accel = 'tcg' | 'kvm';

const port = 8080;
const { ip: address, netmask, gateway } = userNetwork;
const addresses = {
  fixed: { address, netmask, gateway },
  dhcp: { address: unassigned, netmask: unassigned, gateway: unassigned },
} as const satisfies Record<string, Pick<ImageNetwork, 'address' | 'netmask' | 'gateway'>>;
type Kind = keyof typeof addresses;

export interface NetworkStartOptions {
  readonly baker: Baker;
  readonly bundleCode: string;
  readonly kernelPath: string;
  readonly firmwarePath: string;
  /** The path of an image for a kind. */
  readonly imageOf: (kind: Kind) => string;
  readonly accels: readonly Accel[];
  readonly runs: number;
  readonly log: BenchOptions['log'];
}

/**
 * What DHCP costs a start: from the resume to the answer of the function's own server, at an address of the image's own and at one of
 * QEMU's DHCP server, in turn. The client connects as soon as the guest is up. Units: ms.
 */
export async function compareNetworkStarts(options: NetworkStartOptions) {
  const { baker, bundleCode, kernelPath, imageOf, accels, runs, log } = options;
  const kinds = Object.keys(addresses) as Kind[];
  for (const kind of kinds) {
    const network = { ...addresses[kind], ports: [port], timeoutMs: 5000 };
    await baker.bake({ bundleCode, env: {}, memoryMiB: 64, kernelPath, outPath: imageOf(kind), network });
  }
  const samples = new Map<string, number[]>();
  // The first of each fills caches, and measures the rate of the counter.
  for (let turn = 0; turn <= runs; turn++) {
    for (const accel of accels) {
      for (const kind of kinds) {
        const ms = await startServed(options, accel, kind);
        const key = `${kind} ${accel}`;
        if (turn > 0) samples.set(key, [...(samples.get(key) ?? []), ms]);
      }
    }
    log(`network ${turn}/${runs}`);
  }
  return Object.fromEntries(
    [...samples].map(([key, values]) => [
      key,
      { median: round(quantile(values, 0.5)), min: round(Math.min(...values)) },
    ]),
  );
}

async function startServed({ imageOf, firmwarePath }: NetworkStartOptions, accel: Accel, kind: Kind): Promise<number> {
  const [forward] = await chooseForwards({ port, hostPort: undefined, ports: [] });
  const hostPort = forward?.hostPort ?? 0;
  const machine = new Machine({
    image: imageOf(kind),
    accel,
    firmwarePath,
    paused: true,
    extra: [
      ...['-netdev', `user,id=net0,restrict=on,hostfwd=tcp:127.0.0.1:${hostPort}-${address}:${port}`],
      ...['-device', 'virtio-net-pci,netdev=net0,romfile='],
    ],
  });
  try {
    await machine.open();
    machine.write(encodeSeed({ wallNs: BigInt(Date.now()) * 1_000_000n, tscHz: 0n, seed: randomBytes(32) }));
    const resumedAt = performance.now();
    await machine.resume();
    await machine.hello();
    const sent = request({ host: '127.0.0.1', port: hostPort, agent: false }).end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    response.resume();
    await once(response, 'end');
    return performance.now() - resumedAt;
  } finally {
    await machine.close();
  }
}
