/** User-mode networking: the guest's address in it, and the ports of this host that lead there. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { systemCode } from '#core/store/store-error.ts';
import type { PortForward } from '#core/vmm/machine.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { ProjectConfig } from '#shared/model/project.ts';

/** The addresses of QEMU's user-mode network: a fixed one saves the guest DHCP. */
export const userNetwork = { ip: '10.0.2.15', netmask: '255.255.255.0', gateway: '10.0.2.2' } as const;

/**
 * The IPv6 addresses that a guest there gives itself: of its link, and of the prefix that QEMU announces. Their end is
 * made of the address of QEMU's first network card.
 */
export const userNetworkIpv6 = ['FE80::5054:FF:FE12:3456', 'FEC0::5054:FF:FE12:3456'] as const;

/** A port of this host, reserved until it is released. */
interface HeldPort {
  readonly port: number;
  readonly release: () => Promise<void>;
}

/** The ports that a configuration names. */
export type WantedPorts = Pick<ProjectConfig, 'port' | 'hostPort' | 'ports'>;

const loopback = '127.0.0.1';

/**
 * The ports of the host's loopback interface that lead into an instance; the first leads to the program's own.
 *
 * They were free a moment ago: QEMU takes them some milliseconds later, and reports itself when it cannot.
 *
 * Errors: PORT_IN_USE for a port that was requested by number.
 */
export async function chooseForwards(config: WantedPorts): Promise<PortForward[]> {
  const { port, hostPort, ports } = config;
  const wanted = [
    ...(port === null ? [] : [{ guest: port, host: hostPort, udp: false }]),
    // The number chosen for UDP cannot be found afterwards: a port equal to the guest's can be guessed.
    ...ports.map(({ guest, host, udp }) => ({ guest, host: udp ? (host ?? guest) : host, udp })),
  ];
  // The requested ports come first, so that none of them is chosen for another; all are reserved until each is known.
  const held = new Map<(typeof wanted)[number], HeldPort>();
  try {
    for (const one of wanted) if (one.host !== undefined) held.set(one, await hold(one.udp, one.host));
    for (const one of wanted) if (one.host === undefined) held.set(one, await hold(one.udp, 0));
    return wanted.map((one) => ({
      protocol: one.udp ? 'udp' : 'tcp',
      hostPort: held.get(one)?.port ?? 0,
      guestPort: one.guest,
    }));
  } finally {
    await Promise.all([...held.values()].map(({ release }) => release()));
  }
}

/** Shape: `wanted` is 0 for any. */
async function hold(udp: boolean, wanted: number): Promise<HeldPort> {
  try {
    return await (udp ? holdUdp(wanted) : holdTcp(wanted));
  } catch (cause) {
    if (systemCode(cause) !== 'EADDRINUSE' && systemCode(cause) !== 'EACCES') throw cause;
    const why = systemCode(cause) === 'EACCES' ? 'may not be used by you' : 'is taken';
    throw new FirstlightError('PORT_IN_USE', `${udp ? 'UDP port' : 'Port'} ${wanted} on ${loopback} ${why}.`, {
      hint: 'Name another as "hostPort" (or "ports[].host") in firstlight.json, or leave it out: a free one is then taken.',
      details: { subject: String(wanted) },
      cause,
    });
  }
}

async function holdTcp(wanted: number): Promise<HeldPort> {
  const server = createServer();
  server.listen({ host: loopback, port: wanted, exclusive: true });
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  return { port, release: () => new Promise((resolve) => server.close(() => resolve())) };
}

async function holdUdp(wanted: number): Promise<HeldPort> {
  const socket = createSocket('udp4');
  socket.bind({ address: loopback, port: wanted, exclusive: true });
  await once(socket, 'listening');
  return { port: socket.address().port, release: () => new Promise((resolve) => socket.close(() => resolve())) };
}
