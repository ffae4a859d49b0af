/** The network of functions that ask for it with `ports`: they serve HTTP by themselves. */
import type { ExclusiveResource } from '#core/runtime/machines.ts';
import { chooseForwards, userNetwork } from '#core/runtime/user-network.ts';
import type { UserNetwork } from '#core/vmm/machine.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { ProjectConfig } from '#shared/model/project.ts';
import type { ImageNetwork } from './image.ts';
import { networkPorts } from './layout.ts';

type Ports = Pick<ProjectConfig, 'ports'>;

/** True for a function that serves HTTP by itself. */
export const hasNetwork = ({ ports }: Ports): boolean => ports.length > 0;

/** The network in the image. Errors: BAD_INPUT for ports that Ember cannot serve. */
export function imageNetworkOf({ ports, timeoutMs }: Pick<ProjectConfig, 'ports' | 'timeoutMs'>): ImageNetwork {
  const udp = ports.find((port) => port.udp);
  if (udp !== undefined) {
    throw new FirstlightError('BAD_INPUT', `"ports" has UDP port ${udp.guest}: a function on Ember serves HTTP only.`, {
      hint: 'Remove it from firstlight.json, or choose the runtime nanos.',
    });
  }
  if (ports.length > networkPorts) {
    throw new FirstlightError('BAD_INPUT', `"ports" has ${ports.length} ports: Ember serves ${networkPorts} at most.`, {
      hint: 'Each of them leads to the same function: one is enough.',
    });
  }
  const { ip: address, netmask, gateway } = userNetwork;
  return { address, netmask, gateway, ports: ports.map(({ guest }) => guest), timeoutMs };
}

/** The network of a machine: its ports lead into the guest, which can open no connections. Errors: PORT_IN_USE. */
export async function machineNetworkOf({ ports }: Ports): Promise<UserNetwork> {
  const forwards = await chooseForwards({ port: null, hostPort: undefined, ports });
  return { kind: 'user', guestIp: userNetwork.ip, forwards, isRestricted: true };
}

export const exclusiveResourceOf = ({ ports }: Ports): ExclusiveResource =>
  ports.some(({ host }) => host !== undefined) ? 'ports' : 'none';

/** The session's data of a machine with a network. Shape: JSON. */
export const writeEmberInfo = ({ forwards: [first] }: UserNetwork): string =>
  JSON.stringify({ url: `http://127.0.0.1:${first?.hostPort}` });

/** Where the function serves HTTP. Null also for data that an older program wrote. */
export function readEmberUrl(info: string | null): string | null {
  const read: unknown = info === null ? null : JSON.parse(info);
  const url = typeof read === 'object' && read !== null && 'url' in read ? read.url : null;
  return typeof url === 'string' ? url : null;
}
