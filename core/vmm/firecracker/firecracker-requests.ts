import { basename, join } from 'node:path';
import type { Json } from '#shared/model/json.ts';
import type { Machine, MachineChannel, MachineNetwork, PlacedMachine } from '../machine.ts';
import { unsupported } from '../unsupported.ts';
import { guestCard } from './network.ts';

/** One request that configures Firecracker before the guest starts. */
export interface FirecrackerRequest {
  readonly path: string;
  readonly body: Json;
}

/** A channel in Firecracker: a port that the guest listens on. */
export interface VsockChannel extends MachineChannel {
  readonly vsockPort: number;
}

/**
 * The request that loads a saved machine, paused.
 *
 * Source: a saved machine keeps the path of its vsock. Each Firecracker runs in the folder of its sockets, so that the same
 * relative path is another socket for each.
 */
export const loadRequest = (dir: string): FirecrackerRequest => ({
  path: '/snapshot/load',
  body: {
    snapshot_path: join(dir, savedFiles.state),
    mem_backend: { backend_type: 'File', backend_path: join(dir, savedFiles.memory) },
    resume_vm: false,
  },
});

/** The request that saves a paused machine. */
export const saveRequest = (dir: string): FirecrackerRequest => ({
  path: '/snapshot/create',
  body: {
    snapshot_type: 'Full',
    snapshot_path: join(dir, savedFiles.state),
    mem_file_path: join(dir, savedFiles.memory),
  },
});

/** The names of the files of a saved machine. */
export const savedFiles = { state: 'state', memory: 'memory' } as const;

/** Each Firecracker has its own vsock, so all guests may have the same address: the lowest that is not reserved. */
const ownGuestCid = 3;

/**
 * The requests that configure Firecracker for a machine, in order.
 *
 * Source: Firecracker has KVM, a kernel it enters itself, virtio-mmio for raw disks, TAP devices and a vsock that ends in a
 * Unix socket of the host; no firmware, no virtio-serial, no shared folders.
 *
 * Errors: MACHINE_UNSUPPORTED.
 */
export function writeFirecrackerRequests(placed: PlacedMachine): FirecrackerRequest[] {
  const { machine, sockets } = placed;
  checkMachine(placed);
  const { kernel, disks, networks, vsock, channels } = machine;
  const hasVsock = vsock !== null || channels.length > 0;
  return [
    { path: '/machine-config', body: { vcpu_count: machine.vcpus, mem_size_mib: machine.memoryMiB } },
    {
      path: '/boot-source',
      body: {
        kernel_image_path: kernel?.path ?? '',
        boot_args: kernel?.cmdline ?? '',
        ...(kernel?.initrdPath !== undefined && { initrd_path: kernel.initrdPath }),
      },
    },
    ...disks.map(({ path, isReadOnly = false }, index) => ({
      path: `/drives/disk${index}`,
      body: { drive_id: `disk${index}`, path_on_host: path, is_root_device: false, is_read_only: isReadOnly },
    })),
    ...networks.map(() => ({
      path: '/network-interfaces/net0',
      body: { iface_id: 'net0', guest_mac: guestCard.mac, host_dev_name: guestCard.tap },
    })),
    ...(hasVsock
      ? [{ path: '/vsock', body: { guest_cid: vsock?.cid ?? ownGuestCid, uds_path: basename(sockets.channel) } }]
      : []),
  ];
}

/** The channels of a machine whose guest listens on vsock ports. */
export function vsockChannels({ channels }: Machine): VsockChannel[] {
  return channels.flatMap((channel) => {
    const { vsockPort } = channel;
    return vsockPort === undefined ? [] : [{ ...channel, vsockPort }];
  });
}

/** Refuses a machine, with all that Firecracker does not have for it. */
function checkMachine({ machine, gdbSocketPath }: PlacedMachine): void {
  const { accel, kernel, firmware, disks, networks, shares, channels } = machine;
  const lacks: readonly (readonly [isNeeded: boolean, what: string, hint: string])[] = [
    [gdbSocketPath !== undefined, 'a debugger', 'Its releases have no gdb stub. QEMU has one.'],
    [accel !== 'kvm', 'emulated processors', 'It needs KVM; QEMU emulates.'],
    [kernel === null, 'a boot from its disk', 'It has no firmware: it loads a kernel itself.'],
    [kernel !== null && firmware === 'machine', 'firmware', 'It enters the kernel itself: choose `none` or `quick`.'],
    [disks.some(({ format }) => format !== 'raw'), 'a qcow2 disk', 'Its disks are raw.'],
    [networks.length > 1, 'several networks', 'It has one here.'],
    [networks.some(({ kind }) => kind !== 'user'), 'this network', 'It has a user-mode network only.'],
    [networks.some(hasUdp), 'a forwarded UDP port', 'Its network forwards TCP only.'],
    [shares.length > 0, 'a shared folder', 'Put the files on a disk.'],
    [channels.some(({ vsockPort }) => vsockPort === undefined), 'a virtio-serial port', 'Reach the guest over vsock.'],
  ];
  const needed = lacks.filter(([isNeeded]) => isNeeded);
  if (needed.length === 0) return;
  const whats = needed.map(([, what]) => what);
  const hints = needed.map(([, , hint]) => hint);
  throw unsupported(
    'Firecracker',
    joinWords(whats),
    [...hints, 'libvirt runs it: leave out `--vmm firecracker`.'].join(' '),
  );
}

const hasUdp = (network: MachineNetwork) =>
  network.kind === 'user' && network.forwards.some(({ protocol }) => protocol === 'udp');

/** Shape: `a, b or c`. */
const joinWords = (words: readonly string[]) =>
  [words.slice(0, -1).join(', '), ...words.slice(-1)].filter((part) => part !== '').join(' or ');
