/** The description of a machine, as plain data: any VMM can start one from it. */

/** A disk of a machine: virtio-blk, in this order. Shape: `path` is absolute and readable for QEMU's user. */
export interface MachineDisk {
  readonly path: string;
  readonly format: 'raw' | 'qcow2';
}

/** One port of the host's loopback interface that leads into the guest. */
export interface PortForward {
  readonly protocol: 'tcp' | 'udp';
  readonly hostPort: number;
  readonly guestPort: number;
}

/** The one network interface of a machine. */
export type MachineNetwork =
  | { readonly kind: 'user'; readonly guestIp: string; readonly forwards: readonly PortForward[] }
  | { readonly kind: 'network'; readonly name: string }
  | { readonly kind: 'bridge'; readonly name: string };

/** The values that the domain of an image needs. */
export interface Machine {
  readonly machineType: 'pc' | 'q35';
  /** Loaded by the VMM itself (PVH); null when the firmware boots the first disk. */
  readonly kernel: {
    readonly path: string;
    readonly cmdline: string;
    /** A ROM that is made for this kernel; absent: the quickest firmware that the host has. */
    readonly firmwarePath?: string | undefined;
  } | null;
  readonly disks: readonly MachineDisk[];
  readonly network: MachineNetwork | null;
  /** Name of the virtio-serial port for invocations; null when the guest is reached otherwise. */
  readonly channelName: string | null;
  /** Name of the virtio-serial port for what the function prints; null when that goes to the serial port too. */
  readonly consoleName: string | null;
}
