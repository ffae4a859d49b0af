/** A machine as plain data. A VMM starts one from it, or refuses it before the start. */
import type { Accel } from '#shared/model/instance.ts';

/** A disk of a machine: virtio-blk, in this order. Shape: `path` is absolute and readable for QEMU's user. */
export interface MachineDisk {
  readonly path: string;
  readonly format: 'raw' | 'qcow2';
  /** The files that it lies on, each on the next one, where it does not name them. They are only read. */
  readonly backing?: readonly Pick<MachineDisk, 'path' | 'format'>[] | undefined;
  /** True for one that several machines have at once. */
  readonly isReadOnly?: boolean | undefined;
}

/** One port of the host that leads into the guest. */
export interface PortForward {
  readonly protocol: 'tcp' | 'udp';
  /** The host's IPv4 address that it is bound to. Absent: that of its loopback interface. */
  readonly hostAddress?: string | undefined;
  readonly hostPort: number;
  readonly guestPort: number;
}

/** The rule of a forwarded port, as QEMU's user-mode network takes it. */
export const forwardRule = (
  guestIp: string,
  { protocol, hostAddress = '127.0.0.1', hostPort, guestPort }: PortForward,
): string => `hostfwd=${protocol}:${hostAddress}:${hostPort}-${guestIp}:${guestPort}`;

/** User-mode networking: the VMM itself is the guest's network. */
export interface UserNetwork {
  readonly kind: 'user';
  readonly guestIp: string;
  readonly forwards: readonly PortForward[];
  /** True: the guest answers at its forwarded ports and can open no connection, neither to this host nor beyond. */
  readonly isRestricted: boolean;
}

/** A network interface of a machine, with its connection. */
export type MachineNetwork =
  | UserNetwork
  | { readonly kind: 'network'; readonly name: string }
  | { readonly kind: 'bridge'; readonly name: string };

/** A folder of the host that the guest mounts by its tag. Shape: `path` is absolute. */
export interface SharedFolder {
  readonly kind: 'virtio-fs' | '9p';
  readonly path: string;
  readonly tag: string;
  readonly isReadOnly: boolean;
}

/**
 * A port of the guest, and its content, which decides the host's socket at its other end. It is a virtio-serial port by
 * its name, or in a VMM without these a vsock port that the guest listens on.
 */
export interface MachineChannel {
  readonly name: string;
  readonly carries: 'invocations' | 'output';
  /** Absent for a guest that knows virtio-serial only. */
  readonly vsockPort?: number | undefined;
}

/** A kernel that the VMM loads itself. */
export interface MachineKernel {
  readonly path: string;
  readonly cmdline: string;
  readonly initrdPath?: string | undefined;
  /** A ROM that is made for this kernel; absent: the quickest firmware that the host has. */
  readonly firmwarePath?: string | undefined;
}

/**
 * What a guest counts on beside QEMU's default processor. `x86-64-v2`: SSE4.2 and the like, without which Linux programs
 * of today, as sharp, end in SIGILL; `rdrand`: random numbers, where the host's processor gives them.
 */
export const processorKinds = ['x86-64-v2', 'rdrand'] as const;
export type ProcessorKind = (typeof processorKinds)[number];

/** The machine of a guest. It refers only to files and networks of the host. */
export interface Machine {
  readonly machineType: 'pc' | 'q35' | 'microvm';
  readonly accel: Accel;
  readonly memoryMiB: number;
  readonly vcpus: number;
  /** The instructions that a guest counts on. Absent: the set that QEMU gives everywhere. */
  readonly processor?: ProcessorKind | undefined;
  /** Null when the firmware boots the first disk. */
  readonly kernel: MachineKernel | null;
  /**
   * The firmware that runs before the kernel. `quick`: the quickest that boots a kernel, but no disk: qboot where the
   * host has it, nothing in a VMM that enters the kernel itself; `machine`: the machine type's own; `none`: nothing in
   * any VMM.
   */
  readonly firmware: 'quick' | 'machine' | 'none';
  readonly disks: readonly MachineDisk[];
  readonly networks: readonly MachineNetwork[];
  readonly vsock: { readonly cid: number } | null;
  readonly shares: readonly SharedFolder[];
  /** At most one of each kind. A guest is also reached otherwise, and prints to its serial port. */
  readonly channels: readonly MachineChannel[];
}

/** The prefix of the names of all our machines. */
export const machineNamePrefix = 'firstlight-';

/** The places of a machine's sockets. Shape: absolute paths. */
export interface MachineSockets {
  readonly serial: string;
  /** The invocation channel. */
  readonly channel: string;
  /** The function's output. It is absent when the machine has no port for it. */
  readonly console: string;
}

/**
 * The features that QEMU's default processor lacks, by the names that QEMU and libvirt share. One that the host's
 * processor lacks under KVM is left out by QEMU, and the guest starts.
 */
export const processorFeatures = {
  'x86-64-v2': ['ssse3', 'sse4.1', 'sse4.2', 'popcnt', 'cx16'],
  rdrand: ['rdrand'],
} as const satisfies Record<ProcessorKind, readonly string[]>;

/** A machine for the start on a host: its name there, and the places of its sockets. */
export interface PlacedMachine {
  readonly machine: Machine;
  readonly name: string;
  readonly uuid: string;
  /** A title for people who list machines. */
  readonly title: string;
  /** The ROM for firmware that is `quick`; null where the host has no such ROM. */
  readonly firmwarePath: string | null;
  readonly sockets: MachineSockets;
  /** A debugger's socket: gdb connects to it, and lets the processors run. Absent: nothing listens. */
  readonly gdbSocketPath?: string | undefined;
}

/** QEMU's name of a socket that gdb connects to. In such a name a comma is written twice. */
export const gdbServer = (path: string) => `unix:${path.replaceAll(',', ',,')},server=on,wait=off`;

/** A machine with only a kernel or a disk, to which the rest is added. */
export function plainMachine(
  size: Pick<Machine, 'accel' | 'memoryMiB' | 'vcpus'>,
  more: Partial<Machine> & Pick<Machine, 'kernel'>,
): Machine {
  return {
    machineType: 'pc',
    firmware: more.kernel === null ? 'machine' : 'quick',
    disks: [],
    networks: [],
    vsock: null,
    shares: [],
    channels: [],
    ...size,
    ...more,
  };
}

/** The channels of a machine, each with the socket of the host that it ends in. */
export function placeChannels({ machine, sockets }: PlacedMachine): { readonly name: string; readonly path: string }[] {
  return machine.channels.map(({ name, carries }) => ({
    name,
    path: carries === 'invocations' ? sockets.channel : sockets.console,
  }));
}
