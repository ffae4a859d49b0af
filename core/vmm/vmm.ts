/** A VMM starts, watches, pauses and stops machines. libvirt is one; a VMM may omit a part, with a clear error. */
import type { Duplex } from 'node:stream';
import type { FirstlightError } from '#shared/errors.ts';
import type { HostNs } from '#shared/model/units.ts';
import type { MachineSockets, PlacedMachine } from './machine.ts';

/** Data that a machine carries with it, so that a later program can adopt it. Shape: values by name, in groups by name. */
export interface MachineMetadata {
  readonly [name: string]: string | number | boolean | null | MachineMetadata;
}

/** The reason why a machine ended without a request of this program. */
export type MachineEnd = 'destroyed' | 'shutdown' | 'vmm-ended' | 'host-lost' | 'gone';

/** When the processors were asked to run, and when the VMM reported that they do. */
export interface ResumeTimes {
  readonly sentNs: HostNs;
  /** Errors: LIBVIRT_*, INSTANCE_LOST. */
  readonly doneNs: Promise<HostNs>;
}

/** A step of a VMM before the guest could run. */
export interface VmmStep {
  readonly name: string;
  readonly label: string;
  readonly atNs: HostNs;
}

/** The console of a machine. */
export interface ConsoleStreams {
  readonly serial: Duplex;
  /** The function's output, where the machine has a port for it. */
  readonly output: Duplex | null;
}

/** The resources that a machine has used. Units: counters since its start. */
export interface MachineStats {
  readonly machine: RunningMachine;
  readonly atNs: HostNs;
  readonly cpuNs: number;
  /** Resident memory of the VMM's process; 0 when the process has ended. */
  readonly memoryBytes: number;
  readonly diskReadBytes: number;
  readonly diskWriteBytes: number;
  readonly netReceiveBytes: number;
  readonly netTransmitBytes: number;
}

/** A machine that a VMM runs. A handle keeps nothing open. */
export interface RunningMachine {
  readonly name: string;
  readonly uuid: string;
  /** The steps of its creation, in order. Absent where the VMM does not report them. */
  readonly steps?: readonly VmmStep[] | undefined;
  /** Lets its processors run. Returns at once. */
  readonly resume: () => ResumeTimes;
  readonly pause: () => Promise<void>;
  /** Asks the guest to power off; it may take its time or refuse. */
  readonly shutDown: () => Promise<void>;
  /** Ends it without asking the guest, and settles when it is gone. A machine that is gone already is not an error. */
  readonly kill: () => Promise<void>;
  readonly readState: () => Promise<'running' | 'paused'>;
  /** Opens the console, which one client at a time can have. Errors: CHANNEL_BROKEN. */
  readonly openConsole: (sockets: MachineSockets) => Promise<ConsoleStreams>;
  /** Opens a virtio-serial port by its name. Errors: CONFLICT when another client has it; LIBVIRT_*. */
  readonly openChannel: (name: string) => Promise<Duplex>;
  /** The metadata as it was written; numbers and flags may come back as text. Null without any. */
  readonly readMetadata: () => Promise<unknown>;
  readonly writeMetadata: (metadata: MachineMetadata) => Promise<void>;
  /** The VMM's own description of the machine: a domain's XML, a command line. */
  readonly describe: () => Promise<string>;
}

export interface CreateOptions {
  /** The machine outlives this process. Without it, the VMM ends the machine when this process dies. */
  readonly keep: boolean;
  readonly metadata: MachineMetadata | null;
  /** The object being created, for messages. Shape: follows "Could not". */
  readonly doing: string;
}

export type VmmState = 'connecting' | 'connected' | 'lost';

/** The events of a VMM, for the owner of its machines. */
export interface VmmListener {
  readonly onState: () => void;
  /** The connection is gone: calls and streams under way have failed. */
  readonly onLost: () => void;
  /** The connection is back: machines may have come and gone since. */
  readonly onReopened: () => void;
  readonly onStarted: (machine: RunningMachine) => void;
  readonly onPaused: (uuid: string) => void;
  readonly onResumed: (uuid: string) => void;
  readonly onEnded: (uuid: string, reason: MachineEnd) => void;
}

/** Saves machines that have booted, and starts others from them. */
export interface MachineSaving {
  /**
   * Saves a machine that waits for a request into an empty folder; it is then ended. Errors: BOOT_FAILED,
   * INSTANCE_LOST, LIBVIRT_*, DISK_FULL, STORE_UNUSABLE.
   */
  readonly save: (machine: RunningMachine, dir: string) => Promise<void>;
  /**
   * Creates a machine, paused, with its sockets open, that goes on where the saved one was. The folder must not change
   * as long as it runs. Errors: BOOT_FAILED for files that the VMM refuses; as `create`.
   */
  readonly restore: (placed: PlacedMachine, dir: string, options: CreateOptions) => Promise<RunningMachine>;
}

/** Starts machines on one host. */
export interface Vmm {
  readonly id: string;
  /** The address of the VMM. */
  readonly uri: string;
  readonly state: VmmState;
  /** The reason why it is not connected, once known. */
  readonly failure: FirstlightError | null;
  /** True when its machines run on another host: no file, socket or process of theirs is here. Known once connected. */
  readonly isRemote?: boolean | undefined;
  /** True when no service of this machine is its daemon: it is on another host, or has a socket of its own. */
  readonly isElsewhere?: boolean | undefined;
  /** True when its machines run as the user of this process. */
  readonly runsAsThisUser: boolean;
  /** How its machines are held, for a report. Absent where the VMM has one way only. */
  readonly confinement?: string | undefined;
  /** The reason why its machines can have no network; null where they can. Absent where the VMM itself is the network. */
  readonly whyNoNetwork?: (() => FirstlightError | null) | undefined;
  /** Settles when it is connected. Errors: LIBVIRT_UNREACHABLE, LIBVIRT_DENIED, LIBVIRT_LOST, BAD_INPUT, within 5 s. */
  readonly connect: () => Promise<void>;
  /**
   * Creates a machine, paused, with its sockets open.
   *
   * Errors: MACHINE_UNSUPPORTED before any start; QEMU_MISSING, BOOT_FAILED, ACCEL_UNUSABLE, LIBVIRT_*.
   */
  readonly create: (placed: PlacedMachine, options: CreateOptions) => Promise<RunningMachine>;
  /** Absent in a VMM that cannot save machines, or not where its host is. */
  readonly saving?: MachineSaving | undefined;
  /** The running machines whose names have our prefix. */
  readonly list: () => Promise<RunningMachine[]>;
  /** The counters of those machines that still run. */
  readonly readStats: (machines: readonly RunningMachine[]) => Promise<MachineStats[]>;
  /** The process of a machine, as soon as it exists; null when it is not on this host, or cannot be found. */
  readonly findProcess: (name: string) => number | null;
  /** The versions of its programs, by name. */
  readonly readVersions: () => Promise<Readonly<Record<string, string>>>;
  /** Closes the connection. Machines that are not kept end with it. */
  readonly close: () => Promise<void>;
}
