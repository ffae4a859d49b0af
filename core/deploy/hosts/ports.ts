/** The ports of hosts that endpoints are bound to. */
import { FirstlightError } from '#shared/errors.ts';
import { isLoopback } from '#shared/model/deploy.ts';
import type { TargetHost } from './fleet.ts';
import { readInstances } from './instances.ts';
import type { DeployedRecord } from './record.ts';

/** Below those that systems give to connections (Linux: from 32768 on). */
const firstPort = 28_000;
const lastPort = 28_999;

/** The most ports that are tried for one instance: each try starts a QEMU. */
export const maxPortTries = 10;

/** The lowest port that no domain of ours on this host has, also one that is off. Errors: PORT_IN_USE; LIBVIRT_*. */
export async function choosePort(host: TargetHost, taken: readonly number[] = []): Promise<number> {
  const used = new Set([...taken, ...(await readInstances(host)).map(({ record }) => record.port)]);
  for (let port = firstPort; port <= lastPort; port += 1) if (!used.has(port)) return port;
  throw new FirstlightError('PORT_IN_USE', `All ports ${firstPort} to ${lastPort} of ${host.label} are in use.`, {
    hint: 'Undeploy functions there, or add a host to the target.',
    details: { subject: host.label },
  });
}

/** The error for an address that takes none of the ports that were tried. */
export function noPort(host: TargetHost, { listen }: DeployedRecord, taken: readonly number[]): FirstlightError {
  const ports = taken.join(', ');
  return new FirstlightError(
    'PORT_IN_USE',
    `None of the ports ${ports} of ${listen} on ${host.label} could be taken.`,
    {
      hint: isLoopback(listen)
        ? 'End what has them on that host.'
        : `Is ${listen} an address of that host? Add the target again with another --listen.`,
      details: { subject: host.label },
    },
  );
}
