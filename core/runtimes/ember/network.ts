/** The network of functions that ask for it: with `ports` they serve HTTP by themselves, with `outbound` they have `fetch`. */
import type { ExclusiveResource, HostMachine } from '#core/runtime/machines.ts';
import { chooseForwards, userNetwork } from '#core/runtime/user-network.ts';
import type { UserNetwork } from '#core/vmm/machine.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { ProjectConfig } from '#shared/model/project.ts';
import { type ImageNetwork, unassigned } from './image.ts';
import { networkPorts } from './layout.ts';
import { emberConfigOf } from './options.ts';

/** QEMU's own name server. */
export const userNameserver = '10.0.2.3';

type Wanted = Pick<ProjectConfig, 'ports' | 'runtimeOptions'>;

/** True for a function that has `fetch`. */
export const hasOutbound = (config: Pick<ProjectConfig, 'runtimeOptions'>): boolean =>
  emberConfigOf(config).network.outbound;

/** True for a function that serves HTTP by itself, or has `fetch`. */
export const hasNetwork = (config: Wanted): boolean => config.ports.length > 0 || hasOutbound(config);

/** True for a function whose guest asks a DHCP server for its address. */
export const hasLease = (config: Pick<ProjectConfig, 'runtimeOptions'>): boolean =>
  emberConfigOf(config).network.address === 'dhcp';

/** The network in the image. Errors: BAD_INPUT for ports that Ember cannot serve. */
export function imageNetworkOf(config: Wanted & Pick<ProjectConfig, 'timeoutMs'>): ImageNetwork {
  const { ports, timeoutMs } = config;
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
  const { outbound, nameserver } = emberConfigOf(config).network;
  const common = { ports: ports.map(({ guest }) => guest), timeoutMs };
  if (hasLease(config)) {
    const none = { address: unassigned, netmask: unassigned, gateway: unassigned };
    return { ...none, ...common, nameserver: (outbound && nameserver) || null };
  }
  const { ip: address, netmask, gateway } = userNetwork;
  return { address, netmask, gateway, ...common, nameserver: outbound ? (nameserver ?? userNameserver) : null };
}

/** The network of a machine: its ports lead into the guest, which opens connections where it may. Errors: PORT_IN_USE. */
export async function machineNetworkOf(config: Wanted): Promise<UserNetwork> {
  const forwards = await chooseForwards({ port: null, hostPort: undefined, ports: config.ports });
  return { kind: 'user', guestIp: userNetwork.ip, forwards, isRestricted: !hasOutbound(config) };
}

/** The network of a machine on a libvirt host. All ports lead to the same function: the first one is its endpoint. */
export const hostNetworkOf = (config: Wanted): HostMachine['network'] =>
  hasNetwork(config)
    ? { guestIp: userNetwork.ip, port: config.ports[0]?.guest ?? null, isOpen: hasOutbound(config) }
    : null;

export const exclusiveResourceOf = ({ ports }: Pick<ProjectConfig, 'ports'>): ExclusiveResource =>
  ports.some(({ host }) => host !== undefined) ? 'ports' : 'none';

/** The session's data of a machine with a network; null where it serves nothing. Shape: JSON. */
export const writeEmberInfo = ({ forwards: [first] }: UserNetwork): string | null =>
  first === undefined ? null : JSON.stringify({ url: `http://127.0.0.1:${first.hostPort}` });

/** Where the function serves HTTP; null where it does not, and for data that an older program wrote. */
export function readEmberUrl(info: string | null): string | null {
  const read: unknown = info === null ? null : JSON.parse(info);
  const url = typeof read === 'object' && read !== null && 'url' in read ? read.url : null;
  return typeof url === 'string' ? url : null;
}
