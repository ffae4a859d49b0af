/**
 * Frames of the invocation channel between the host and an Ember guest. The format is in `guest/PROTOCOL.md`.
 *
 * The guest runs untrusted code, so all its data is bounded and checked here before use.
 */
import { FirstlightError } from '#shared/errors.ts';
import type { EmberMark } from './layout.ts';

export const protocolVersion = 1;
export const headerBytes = 12;
/** Largest body that either side takes: 16 MiB of payload and room for its headers. */
export const maxBodyBytes = 16 * 1024 * 1024 + 256 * 1024;

export const frameTypes = {
  hello: 1,
  invoke: 2,
  response: 3,
  error: 4,
  ping: 5,
  pong: 6,
  environ: 7,
  seed: 8,
} as const;

/** Error codes on the wire, by number. */
export const guestErrorCodes = [
  'PROTOCOL',
  'FUNCTION_THREW',
  'TIMEOUT',
  'OUT_OF_MEMORY',
  'NEVER_SETTLED',
  'UNSENDABLE',
  'CRASHED',
  'BAD_EVENT',
] as const;

export type GuestErrorCode = (typeof guestErrorCodes)[number];

/** One boot mark. Units: `tsc` in ticks of the guest's time stamp counter, zero when its CPU first ran. */
export interface GuestMark {
  readonly name: EmberMark;
  readonly tsc: bigint;
}

/** The engine's memory. Shape: `usedBytes` is at most what `pages` pages of 64 KiB have. */
export interface GuestHeap {
  readonly pages: number;
  readonly usedBytes: number;
}

export interface HelloFrame {
  readonly type: 'hello';
  readonly version: number;
  readonly tscHz: bigint;
  readonly tscNow: bigint;
  readonly heap: GuestHeap;
  readonly maxPages: number;
  readonly marks: readonly GuestMark[];
}

export interface ResponseFrame {
  readonly type: 'response';
  readonly id: number;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly bodyKind: 'none' | 'json' | 'text' | 'bytes';
  /** The body as sent. For `json` it is the UTF-8 of a JSON text. */
  readonly body: Uint8Array;
  readonly tscNow: bigint;
  readonly tscHz: bigint;
  readonly heap: GuestHeap;
  readonly marks: readonly GuestMark[];
}

export interface ErrorFrame {
  readonly type: 'error';
  readonly id: number;
  readonly code: GuestErrorCode;
  /** The guest answers no further requests: replace it. */
  readonly fatal: boolean;
  readonly name: string;
  readonly message: string;
  /** QuickJS's own stack text, lines like `    at handler (bundle.js:12:5)`. */
  readonly stack: string;
  readonly tscNow: bigint;
  readonly tscHz: bigint;
  readonly heap: GuestHeap;
  readonly marks: readonly GuestMark[];
}

export interface PongFrame {
  readonly type: 'pong';
  readonly id: number;
  readonly hostNs: bigint;
  readonly tscReceived: bigint;
  readonly tscSent: bigint;
  readonly tscHz: bigint;
}

export type GuestFrame = HelloFrame | ResponseFrame | ErrorFrame | PongFrame;

/** The content of one invocation. */
export interface Invocation {
  /** Returned in the answer. Shape: 1 to 2^32 - 1. */
  readonly id: number;
  /** Zero: no limit. */
  readonly deadlineMs: number;
  /** Wall clock now, nanoseconds since 1970. */
  readonly wallNs: bigint;
  /** Frequency of the guest's counter if an earlier run measured it on this machine; zero: unknown. */
  readonly tscHz?: bigint | undefined;
  /** 32 random bytes. */
  readonly seed: Uint8Array;
  /** The event as JSON text. */
  readonly eventJson: string;
}

const invokeFixedBytes = 56;
const seedBytes = 32;

function frameOf(type: number, id: number, bodyBytes: number, what = 'event'): { bytes: Uint8Array; view: DataView } {
  if (bodyBytes > maxBodyBytes) {
    throw new FirstlightError('BAD_INPUT', `The ${what} takes ${bodyBytes} bytes; a guest accepts ${maxBodyBytes}.`, {
      hint: `Send a smaller ${what}.`,
    });
  }
  const bytes = new Uint8Array(headerBytes + bodyBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bodyBytes, true);
  view.setUint8(4, type);
  view.setUint8(5, protocolVersion);
  view.setUint32(8, id, true);
  return { bytes, view };
}

/** The bytes of an INVOKE frame. They may be written before the guest has booted. */
export function encodeInvoke(invocation: Invocation): Uint8Array {
  checkSeed(invocation.seed);
  const event = new TextEncoder().encode(invocation.eventJson);
  const { bytes, view } = frameOf(frameTypes.invoke, invocation.id, invokeFixedBytes + event.length);
  view.setUint32(headerBytes, invocation.deadlineMs, true);
  view.setBigUint64(headerBytes + 8, invocation.wallNs, true);
  view.setBigUint64(headerBytes + 16, invocation.tscHz ?? 0n, true);
  bytes.set(invocation.seed, headerBytes + 24);
  bytes.set(event, headerBytes + invokeFixedBytes);
  return bytes;
}

/** The bytes of an ENVIRON frame: variables for the function's environment, or its arguments. */
export function encodeEnviron(given: Readonly<Record<string, string>> | readonly string[]): Uint8Array {
  const body = new TextEncoder().encode(JSON.stringify(given));
  const { bytes } = frameOf(frameTypes.environ, 0, body.length, 'environment');
  bytes.set(body, headerBytes);
  return bytes;
}

function checkSeed(seed: Uint8Array): void {
  if (seed.length !== seedBytes) throw new RangeError(`The seed must be ${seedBytes} bytes.`);
}

/** The bytes of a SEED frame, with which a guest that serves HTTP by itself opens its network. */
export function encodeSeed({ wallNs, tscHz, seed }: Pick<Invocation, 'wallNs' | 'tscHz' | 'seed'>): Uint8Array {
  checkSeed(seed);
  const { bytes, view } = frameOf(frameTypes.seed, 0, 16 + seedBytes);
  view.setBigUint64(headerBytes, wallNs, true);
  view.setBigUint64(headerBytes + 8, tscHz ?? 0n, true);
  bytes.set(seed, headerBytes + 16);
  return bytes;
}

/** The bytes of a PING frame; the guest's PONG ties its counter to the host's clock. */
export function encodePing(id: number, hostNs: bigint): Uint8Array {
  const { bytes, view } = frameOf(frameTypes.ping, id, 8);
  view.setBigUint64(headerBytes, hostNs, true);
  return bytes;
}
