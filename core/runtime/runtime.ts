import type { Duplex } from 'node:stream';
import type { Machine } from '#core/vmm/machine.ts';
import type { Progress } from '#shared/contract/define.ts';
import type { FirstlightError, Problem } from '#shared/errors.ts';
import type { BuildStep, Image } from '#shared/model/image.ts';
import type { Accel } from '#shared/model/instance.ts';
import type { Json } from '#shared/model/json.ts';
import type { ProjectConfig, RuntimeId } from '#shared/model/project.ts';
import type { Response } from '#shared/model/run.ts';
import type { HostNs, InstanceId } from '#shared/model/units.ts';
import type { ClockSample, GuestMark, HostMark } from '#shared/timeline/marks.ts';
import type { Bundle } from './bundle.ts';

export type { ClockSample, GuestMark };

/**
 * What came of one invocation. `fatal` says that the instance is of no further use, `ended` that the program ran to its
 * end, as it was to.
 */
export interface InvocationResult {
  readonly outcome:
    | { readonly ok: true; readonly response: Response; readonly ended?: boolean | undefined }
    | { readonly ok: false; readonly error: FirstlightError; readonly fatal: boolean };
  readonly sentAtNs: HostNs;
  /** False for a program that is sent nothing: it runs, and its end is the answer. */
  readonly isSent?: boolean | undefined;
  readonly receivedAtNs: HostNs;
  /** All marks the guest has stamped so far; complete with the first answer. */
  readonly marks: readonly GuestMark[];
  /** The guest's messages so far, with its counter when it sent them and the instant they came in. */
  readonly received: readonly { readonly ticks: number; readonly atNs: HostNs }[];
  /** Which counter `ticks` are of. Default: the time-stamp counter. `guest-monotonic`: nanoseconds of the guest's own clock. */
  readonly guestClock?: 'guest-tsc' | 'guest-monotonic' | undefined;
  /** The host's observations while the guest booted: on its serial port, on its network. */
  readonly hostMarks?: readonly HostMark[] | undefined;
}

/** The marks of a guest's start that have arrived. */
export type GuestSeen = Pick<InvocationResult, 'marks' | 'received' | 'guestClock'>;

export interface InvocationRequest {
  readonly event: Json;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** The host's end of a booted instance, over its channel. One invocation at a time; further ones wait their turn. */
export interface GuestSession {
  /** Settles when the guest has spoken for the first time: it has booted. Never settles when it does not. */
  readonly ready: Promise<void>;
  /** May be called before the guest boots: the request then waits for it in the channel. */
  readonly invoke: (request: InvocationRequest) => Promise<InvocationResult>;
  /** The host's marks of the guest's boot so far, for a start that ends without an answer. */
  readonly hostMarks?: () => readonly HostMark[];
  /** The guest's marks so far, for a start that is under way or ends without an answer. */
  readonly seen?: (() => GuestSeen) | undefined;
  /** Round trips taken after the start, so that they cost it nothing. */
  readonly sampleClock: (count: number) => Promise<readonly ClockSample[]>;
  /** Settles when the channel ends, with the reason when it broke. */
  readonly closed: Promise<FirstlightError | null>;
  readonly close: () => void;
}

export interface MachineRequest {
  readonly instanceId: InstanceId;
  readonly image: Image;
  readonly config: ProjectConfig;
  readonly accel: Accel;
  /** A directory of the instance's own, which goes with it. Made when it is first asked for. Errors: STORE_UNUSABLE. */
  readonly makeDiskDir: () => Promise<string>;
}

/** The instance to start on this host. */
export interface HostRequest {
  readonly config: ProjectConfig;
  readonly accel: Accel;
  readonly progress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A machine, and what a session with it needs to know: also a later program's, which has it from the domain's metadata. */
export interface PreparedMachine {
  readonly machine: Machine;
  readonly sessionInfo: string | null;
}

/** The parts of its instance that a session can use. */
export interface InstanceLink {
  readonly sessionInfo: string | null;
  /** True when the guest has executed nothing yet: all that it will print is yet to come. */
  readonly fresh: boolean;
  /** Opens a virtio-serial port by its name. Errors: CONFLICT when another process has it; LIBVIRT_*. */
  readonly openChannel: (name: string) => Promise<Duplex>;
  /** Calls `listener` with what the serial port has from now on, with the instant it came in; returns what ends that. */
  readonly onSerial: (listener: (chunk: Uint8Array, atNs: HostNs) => void) => () => void;
  /** Settles when the domain is no more. */
  readonly ended: Promise<void>;
}

/** The result of an image build. */
export interface BuiltImage {
  readonly bytes: number;
  /** The runtime's own information about the image, in a format of its own. */
  readonly runtimeInfo?: string | undefined;
  /** The base that it stands on, by its digest. */
  readonly base?: string | undefined;
  /** The warnings of the build, without those of the bundle. */
  readonly warnings?: readonly Problem[] | undefined;
  readonly minMemoryMiB: number;
  readonly steps: readonly {
    readonly name: BuildStep['name'];
    readonly reused: boolean;
    readonly reason: string;
    readonly durationMs: number;
  }[];
}

export interface BuildContext {
  readonly signal: AbortSignal;
  readonly progress: (progress: Progress) => void;
}

/** The end of a guest as its console reports it. Shape: `report` is the console's text; `message` is one sentence without a full stop. */
export interface GuestPanic {
  readonly message: string;
  readonly report: string;
  /** True when the program failed and not the kernel under it. */
  readonly byProgram?: boolean | undefined;
}

/** A part of a console: all of it, the program's output, or the output of the kernel's diagnostics. */
export type ConsolePart = 'all' | 'program' | 'trace';

/** Gives one part of a console as its bytes come. */
export interface ConsoleSplitter {
  /** The bytes of the wanted part among those that came, as far as they can be told yet. */
  readonly push: (chunk: Uint8Array) => Uint8Array;
  /** The bytes that were still held back. */
  readonly end: () => Uint8Array;
}

/** The disks that images of a runtime stand on, each named by the digest of its content. */
export interface Bases {
  /** True when it is there whole. */
  readonly has: (digest: string) => Promise<boolean>;
  /** Units: `bytes` as they take room on this host. */
  readonly list: () => Promise<readonly { readonly digest: string; readonly bytes: number }[]>;
  /** Drops those that are not among `used` and that nobody asked for lately. */
  readonly prune: (used: ReadonlySet<string>) => Promise<void>;
}

/** Turns a bundle into a bootable image and knows how to talk to what boots. */
export interface Runtime {
  readonly id: RuntimeId;
  /** A kernel that speaks on its serial port without a function or a disk. Where it runs under KVM, so do this runtime's guests. */
  readonly probeKernelPath: string;
  /** The runtime's part of an image's id: its kernel, the version of its builder, its additions to the bundle. */
  readonly fingerprint: (config: ProjectConfig, projectDir: string, context: BuildContext) => Promise<string>;
  /** Writes the bootable file at `path`, whole or not at all. */
  readonly buildImage: (bundle: Bundle, path: string, context: BuildContext) => Promise<BuiltImage>;
  /** For runtimes whose images share what they stand on. */
  readonly bases?: Bases;
  /**
   * Finds out what the machines of this runtime need to know of the host, where that takes a while: once, before the first
   * is prepared. What cannot be known is no error. Errors: RELEASE_MISSING.
   */
  readonly probeHost?: (request: HostRequest) => Promise<void>;
  /** The machine for one instance, with all that it needs on disk. Errors: PORT_IN_USE, STORE_UNUSABLE, DISK_FULL. */
  readonly prepareMachine: (request: MachineRequest) => Promise<PreparedMachine>;
  readonly openSession: (link: InstanceLink) => Promise<GuestSession>;
  /** The end of the guest as the serial port reports it (a panic), or null. */
  readonly readPanic: (consoleText: string) => GuestPanic | null;
  /** A panic with what symbols say of it: text for a person. Null when nothing more can be said. */
  readonly decodePanic?: (consoleText: string, sessionInfo: string | null) => Promise<string | null>;
  /** Where a program on this host reaches an instance by HTTP, or null. */
  readonly urlOf?: (sessionInfo: string | null) => string | null;
  /** For runtimes whose kernels print diagnostics among the program's output: what tells them apart. */
  readonly splitConsole?: (wanted: Exclude<ConsolePart, 'all'>) => ConsoleSplitter;
}
