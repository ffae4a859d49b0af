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

/**
 * The port of a function on a host that an instance of a revision takes over: the lowest that none of its own revision
 * has, of those in service first. Null where there is none.
 */
export function portToTake(
  onHost: readonly { readonly record: Pick<DeployedRecord, 'revision' | 'port'>; readonly isInService: boolean }[],
  revision: number,
): number | null {
  const own = new Set(onHost.filter(({ record }) => record.revision === revision).map(({ record }) => record.port));
  const [first] = onHost
    .filter(({ record }) => record.port > 0 && !own.has(record.port))
    .sort((a, b) => Number(b.isInService) - Number(a.isInService) || a.record.port - b.record.port);
  return first?.record.port ?? null;
}

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
