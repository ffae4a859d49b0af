import type { Duplex } from 'node:stream';
import type { Bundle } from '#core/bundle/bundle.ts';
import type { Progress } from '#shared/contract/define.ts';
import type { FirstlightError } from '#shared/errors.ts';
import type { Json } from '#shared/model/json.ts';
import type { RuntimeId } from '#shared/model/project.ts';
import type { Response } from '#shared/model/run.ts';
import type { HostNs } from '#shared/model/units.ts';
import type { ClockSample, GuestMark } from '#shared/timeline/marks.ts';

export type { ClockSample, GuestMark };

/** What came of one invocation. `fatal` says that the instance is of no further use. */
export interface InvocationResult {
  readonly outcome:
    | { readonly ok: true; readonly response: Response }
    | { readonly ok: false; readonly error: FirstlightError; readonly fatal: boolean };
  readonly sentAtNs: HostNs;
  readonly receivedAtNs: HostNs;
  /** All marks the guest has stamped so far; complete with the first answer. */
  readonly marks: readonly GuestMark[];
  /** The guest's messages so far, with its counter when it sent them and the instant they came in. */
  readonly received: readonly { readonly ticks: number; readonly atNs: HostNs }[];
}

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
  /** Round trips taken after the start, so that they cost it nothing. */
  readonly sampleClock: (count: number) => Promise<readonly ClockSample[]>;
  /** Settles when the channel ends, with the reason when it broke. */
  readonly closed: Promise<FirstlightError | null>;
  readonly close: () => void;
}

/** What the domain of an image needs. */
export interface Machine {
  readonly machineType: 'pc' | 'q35';
  /** Loaded by the VMM itself (PVH). */
  readonly kernelPath: string;
  readonly cmdline: string;
  /** Name of the virtio-serial port for invocations. */
  readonly channelName: string;
  /** Name of the virtio-serial port for what the function prints; null when that goes to the serial port too. */
  readonly consoleName: string | null;
}

/** What an image build gave. */
export interface BuiltImage {
  readonly bytes: number;
  readonly minMemoryMiB: number;
  readonly steps: readonly {
    readonly name: 'kernel' | 'evaluate' | 'write';
    readonly reused: boolean;
    readonly reason: string;
    readonly durationMs: number;
  }[];
}

export interface BuildContext {
  readonly signal: AbortSignal;
  readonly progress: (progress: Progress) => void;
}

/** Turns a bundle into a bootable image and knows how to talk to what boots. */
export interface Runtime {
  readonly id: RuntimeId;
  /** What of this runtime (its kernel, its builder's version) goes into an image's id. */
  readonly fingerprint: () => Promise<string>;
  /** Writes the bootable file at `path`, whole or not at all. */
  readonly buildImage: (bundle: Bundle, path: string, context: BuildContext) => Promise<BuiltImage>;
  readonly describeMachine: (imagePath: string) => Machine;
  readonly openSession: (channel: Duplex) => GuestSession;
  /** What the serial port says of how the guest ended (a panic), or null. */
  readonly readPanic: (consoleText: string) => { readonly message: string; readonly report: string } | null;
}
