import { createServer } from 'node:net';
import type { PortForward } from '#core/runtimes/runtime.ts';
import { systemCode } from '#core/store/store-error.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { NanosConfig } from '#shared/model/nanos.ts';

/**
 * The ports of the host's loopback interface that lead into an instance; the first leads to the program's own.
 *
 * Errors: PORT_TAKEN for one that was asked for by number.
 */
export async function chooseForwards(config: NanosConfig): Promise<PortForward[]> {
  const { port, hostPort, ports } = config;
  const wanted = [
    ...(port === null ? [] : [{ guest: port, host: hostPort, udp: false }]),
    ...ports.map(({ guest, host, udp }) => ({ guest, host, udp })),
  ];
  const forwards: PortForward[] = [];
  for (const { guest, host, udp } of wanted) {
    const chosen = udp ? (host ?? guest) : await chooseTcp(host);
    forwards.push({ protocol: udp ? 'udp' : 'tcp', hostPort: chosen, guestPort: guest });
  }
  return forwards;
}

/** A port that is free now; QEMU takes it some milliseconds later, and says so itself when it cannot. */
async function chooseTcp(wanted: number | undefined): Promise<number> {
  const server = createServer();
  try {
    return await new Promise<number>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: '127.0.0.1', port: wanted ?? 0, exclusive: true }, () => {
        const address = server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
  } catch (cause) {
    if (systemCode(cause) !== 'EADDRINUSE' && systemCode(cause) !== 'EACCES') throw cause;
    const why = systemCode(cause) === 'EACCES' ? 'may not be used by you' : 'is taken by another program';
    throw new FirstlightError('PORT_TAKEN', `Port ${wanted} on 127.0.0.1 ${why}.`, {
      hint: 'Name another as "hostPort" (or "ports[].host") in firstlight.json, or leave it out: a free one is then taken.',
      details: { subject: String(wanted) },
      cause,
    });
  } finally {
    server.close();
  }
}
