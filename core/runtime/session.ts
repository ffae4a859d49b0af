/** The communication with an instance, for any kind of guest or process. */
import type { Duplex } from 'node:stream';
import type { FirstlightError } from '#shared/errors.ts';
import type { Json } from '#shared/model/json.ts';
import type { HeapUse } from '#shared/model/metrics.ts';
import type { Response } from '#shared/model/run.ts';
import type { HostNs } from '#shared/model/units.ts';
import type { ClockSample, GuestMark, HostMark } from '#shared/timeline/marks.ts';

export type { ClockSample, GuestMark };

/**
 * The outcome of one invocation. `fatal` means that the instance is of no further use, `ended` that the program ran to
 * its end, as intended.
 */
export interface InvocationResult {
  readonly outcome:
    | { readonly ok: true; readonly response: Response; readonly ended?: boolean | undefined }
    | { readonly ok: false; readonly error: FirstlightError; readonly fatal: boolean };
  readonly sentAtNs: HostNs;
  /** False for a program that gets no request: it runs, and its end is the answer. */
  readonly isSent?: boolean | undefined;
  readonly receivedAtNs: HostNs;
  /** All marks the guest has stamped so far; complete with the first answer. */
  readonly marks: readonly GuestMark[];
  /** The guest's messages so far, with its counter when it sent them and the instant they came in. */
  readonly received: readonly { readonly ticks: number; readonly atNs: HostNs }[];
  /**
   * The counter of `ticks`. Default: the time-stamp counter. `guest-monotonic`: nanoseconds of the guest's own clock.
   */
  readonly guestClock?: 'guest-tsc' | 'guest-monotonic' | undefined;
  /** The host's observations of the guest's boot: on its serial port, on its network. */
  readonly hostMarks?: readonly HostMark[] | undefined;
}

/** The guest's reports on its start so far. */
export type GuestSeen = Pick<InvocationResult, 'marks' | 'received' | 'guestClock'>;

/** The data from a guest that has not answered yet: its own reports, and the host's observations of its boot. */
export type GuestHeard = GuestSeen & Pick<InvocationResult, 'hostMarks'>;

export interface InvocationRequest {
  readonly event: Json;
  /** Variables to add to the environment first. For images only whose `envAtLoad` is known. */
  readonly variables?: Readonly<Record<string, string>> | undefined;
  /** Arguments in place of those of the image. For images only that did not read theirs while they were built. */
  readonly args?: readonly string[] | undefined;
  readonly timeoutMs: number;
  /** True: a debugger may hold the guest for any time. Only the guest's own deadline holds, whose clock then stands still. */
  readonly isDebugged?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The host's end of a booted instance, over its channel. One invocation at a time; further ones wait their turn. */
export interface GuestSession {
  /** Settles when the guest has spoken for the first time: it has booted. Never settles when it does not. */
  readonly ready: Promise<void>;
  /** May be called before the guest boots: the request then waits for it in the channel. */
  readonly invoke: (request: InvocationRequest) => Promise<InvocationResult>;
  /** The host's observations of the guest's boot so far, for a start that ends without an answer. */
  readonly hostMarks?: () => readonly HostMark[];
  /** The guest's reports so far, for a start that is under way or ends without an answer. */
  readonly seen?: (() => GuestSeen) | undefined;
  /** The heap as of the guest's last message; null before the first. Absent for guests that do not report it. */
  readonly heap?: (() => HeapUse | null) | undefined;
  /** Round trips taken after the start, so that they cost it nothing. */
  readonly sampleClock: (count: number) => Promise<readonly ClockSample[]>;
  /** Settles when the channel ends, with the reason when it broke. */
  readonly closed: Promise<FirstlightError | null>;
  readonly close: () => void;
}

/** The parts of its instance that a session may use. */
export interface InstanceLink {
  readonly sessionInfo: string | null;
  /** True when the guest has executed nothing yet: all its output is yet to come. False for one that has booted. */
  readonly fresh: boolean;
  /** True for a guest that serves HTTP by itself, where `sessionInfo` does not say so. */
  readonly servesHttp?: boolean | undefined;
  /** Opens a virtio-serial port by its name. Errors: CONFLICT when another process has it; LIBVIRT_*. */
  readonly openChannel: (name: string) => Promise<Duplex>;
  /**
   * Calls `listener` with the serial port's output from now on and its arrival time; returns the function that
   * unsubscribes.
   */
  readonly onSerial: (listener: (chunk: Uint8Array, atNs: HostNs) => void) => () => void;
  /** Settles when its machine is gone. */
  readonly ended: Promise<void>;
}

/** The sessions with the instances of a runtime. */
export interface RuntimeSessions {
  readonly openSession: (link: InstanceLink) => Promise<GuestSession>;
  /** The address where a program on this host reaches an instance by HTTP, or null. */
  readonly urlOf?: (sessionInfo: string | null) => string | null;
}
