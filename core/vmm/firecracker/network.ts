import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { launchUntilReady, readyDescriptor } from '#core/exec/ready-program.ts';
import { isAlive, ownerSchema, processOf } from '#core/store/owner.ts';
import { readJson } from '#core/store/read-json.ts';
import { namesIn, writeAtomic } from '#core/store/write-atomic.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { PortForward, UserNetwork } from '../machine.ts';
import { checkSocketPath, makerOf } from '../socket-dir.ts';
import { type FirecrackerProcess, foundProcess } from './firecracker-process.ts';
import { withSystemPath } from './network-tools.ts';
import { connectTo } from './unix-socket.ts';

/** The guest's end of the network, for Firecracker's configuration. QEMU's first card has this address. */
export const guestCard = { tap: 'guest', mac: '52:54:00:12:34:56' } as const;

/** The network of a machine: slirp4netns, which holds the network namespace that Firecracker is started in. */
export interface MachineNetworkProcess {
  readonly process: FirecrackerProcess;
  /** The namespace, which is there already. Shape: a path that exists as long as the process runs. */
  readonly namespacePath: string;
  /** Settles when the guest's device is there and all ports are forwarded. Errors: BOOT_FAILED, PORT_IN_USE. */
  readonly ready: Promise<void>;
}

export interface NetworkPlace {
  /** The folder of the machine's sockets. */
  readonly dir: string;
  /** The user that Firecracker runs as. */
  readonly uid: number;
  readonly keep: boolean;
  readonly env: NodeJS.ProcessEnv;
}

const networkFileIn = (dir: string) => join(dir, 'network.json');
const networkFileSchema = z.object({ process: ownerSchema });

/**
 * Run in a new namespace, by `sh` as its arguments say: says that the namespace is there, makes the devices ($2), then the rules ($3, where there are any),
 * and becomes slirp4netns, which goes back to the namespace of this program ($1). Descriptor 9 keeps the new one.
 */
const becomeNetwork =
  'exec 9</proc/self/ns/net; printf . >&3; printf %s "$2" | ip -batch - || exit 1; ' +
  '[ -z "$3" ] || printf %s "$3" | nft -f - || exit 1; host=$1; shift 3; exec nsenter --net="$host" "$@"';
const namespaceDescriptor = 9;
const stackTap = 'stack';

/**
 * Two TAP devices on a bridge: Firecracker opens one, slirp4netns the other, which a user of a jail may not. Nothing else
 * is in the namespace.
 */
const devicesFor = (uid: number) =>
  [
    `tuntap add dev ${guestCard.tap} mode tap user ${uid}`,
    `tuntap add dev ${stackTap} mode tap user 0`,
    'link add bridge type bridge',
    `link set ${guestCard.tap} master bridge addrgenmode none up`,
    `link set ${stackTap} master bridge addrgenmode none up`,
    'link set bridge addrgenmode none up',
    '',
  ].join('\n');

/**
 * What a restricted guest may send: ARP, DHCP's requests to the stack itself, and TCP that answers. A segment that opens
 * a connection has SYN and no ACK; libslirp resets one that belongs to none. nft takes no fragment for TCP.
 */
const restrictedRules = `table bridge firstlight {
  chain toStack {
    type filter hook forward priority 0; policy drop;
    iifname "${stackTap}" accept
    ether type arp accept
    ip daddr { 10.0.2.2, 255.255.255.255 } udp sport 68 udp dport 67 accept
    ip protocol tcp tcp flags & (syn | ack) != syn accept
  }
  chain toHost {
    type filter hook input priority 0; policy drop;
  }
}
`;

/**
 * Starts the network of a machine. It is a process that the file beside the machine's sockets identifies; one that is not
 * kept ends with this process, however that ends.
 *
 * Errors: STORE_UNUSABLE, DISK_FULL, BOOT_FAILED.
 */
export async function startNetwork(network: UserNetwork, place: NetworkPlace): Promise<MachineNetworkProcess> {
  const { dir, uid, keep, env } = place;
  const apiPath = join(dir, 'network.sock');
  const errorPath = join(dir, 'network.log');
  checkSocketPath(apiPath);
  const stack = [
    ...['slirp4netns', '--netns-type=path', '--enable-sandbox', '--enable-seccomp'],
    ...(network.isRestricted ? ['--disable-host-loopback', '--disable-dns'] : []),
    ...['--api-socket', apiPath, '--ready-fd', String(readyDescriptor), ...(keep ? [] : ['--exit-fd', '0'])],
    ...[`/proc/self/fd/${namespaceDescriptor}`, stackTap],
  ];
  const rules = network.isRestricted ? restrictedRules : '';
  const script = ['/bin/sh', '-c', becomeNetwork, 'sh', `/proc/${process.pid}/ns/net`, devicesFor(uid), rules];
  const program = launchUntilReady('unshare', ['--net', '--', ...script, ...stack], {
    env: withSystemPath(env),
    errorPath,
    isTied: !keep,
  });
  const owner = program.pid === undefined ? null : processOf(program.pid);
  if (owner === null) throw failed('it did not start', '');
  const ended = program.exited.then(
    ({ code }) => code,
    () => null,
  );
  const kill = async () => {
    program.kill();
    await ended;
  };
  const early = async () => {
    throw failed('it ended before it was ready', await readFile(errorPath, 'utf8').catch(() => ''));
  };
  const opened = async () => {
    await program.ready.catch(early);
    for (const forward of network.forwards) await addForward(apiPath, network.guestIp, forward);
  };
  const ready = opened();
  ready.catch(() => undefined);
  const made = {
    process: { owner, piped: null, ended, kill },
    namespacePath: `/proc/${owner.pid}/fd/${namespaceDescriptor}`,
    ready,
  };
  try {
    await writeAtomic(networkFileIn(dir), JSON.stringify({ process: owner }), { durable: false });
    await program.begun.catch(early);
  } catch (thrown) {
    await kill();
    throw thrown;
  }
  return made;
}

/** The network of a machine that another program started; null where it has none that runs. */
export async function findNetwork(dir: string): Promise<FirecrackerProcess | null> {
  const read = await readJson(networkFileIn(dir), networkFileSchema);
  return read.ok && read.value !== undefined && isAlive(read.value.process) ? foundProcess(read.value.process) : null;
}

/**
 * Ends the networks of machines that are gone and whose program is gone too. Those in `machineDirs` have a machine that
 * runs; one that is being started has none yet.
 */
export async function endLeftNetworks(socketsDir: string, machineDirs: ReadonlySet<string>): Promise<void> {
  for (const name of await namesIn(socketsDir)) {
    const dir = join(socketsDir, name);
    const maker = makerOf(name);
    if (machineDirs.has(dir) || maker === null || isAlive(maker)) continue;
    await (await findNetwork(dir))?.kill();
  }
}

/**
 * A machine's process together with its network: they end together, and it is gone when both are. A network that does not
 * become `ready` ends no machine: its error is to be heard first.
 */
export function joinNetwork(
  machine: FirecrackerProcess,
  network: FirecrackerProcess,
  ready: Promise<void>,
): FirecrackerProcess {
  // A machine that nobody reaches any more is of no use; QEMU's network ends with QEMU, too.
  const following = async () => {
    await ready;
    await network.ended;
    await machine.kill();
  };
  following().catch(() => undefined);
  const ended = machine.ended.then(async (code) => {
    await network.kill();
    return code;
  });
  return {
    ...machine,
    ended,
    kill: async () => {
      await machine.kill();
      await ended;
    },
  };
}

/** Asks slirp4netns for a forwarded port. Source: slirp4netns(1): one JSON value each way, then it closes. */
async function addForward(apiPath: string, guestIp: string, forward: PortForward): Promise<void> {
  const { protocol, hostAddress = '127.0.0.1', hostPort, guestPort } = forward;
  const socket = await connectTo(apiPath);
  const asked = {
    execute: 'add_hostfwd',
    arguments: {
      proto: protocol,
      host_addr: hostAddress,
      host_port: hostPort,
      guest_addr: guestIp,
      guest_port: guestPort,
    },
  };
  socket.end(JSON.stringify(asked));
  const answer = await text(socket);
  if (answer.includes('"return"')) return;
  throw new FirstlightError('PORT_IN_USE', `Port ${hostPort} of ${hostAddress} could not be had for the network.`, {
    hint: 'Another program has that port of the address: end it, or try again.',
    details: { subject: String(hostPort), output: answer.trim() },
  });
}

function failed(why: string, output: string): FirstlightError {
  return new FirstlightError('BOOT_FAILED', `The network of the machine could not be made: ${why}.`, {
    hint: 'It needs a kernel with bridges, TAP devices and nftables, and the right to mount. libvirt needs none of them.',
    details: { subject: 'slirp4netns', ...(output.trim() !== '' && { output: output.trim().slice(-4_000) }) },
  });
}
