import { randomBytes, randomInt } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type {
  ClockSample,
  GuestMark,
  GuestSession,
  InvocationRequest,
  InvocationResult,
} from '#core/runtime/session.ts';
import { hostNow } from '#core/store/host-clock.ts';
import { createDeferred } from '#shared/deferred.ts';
import { FirstlightError, toFirstlightError } from '#shared/errors.ts';
import type { HeapUse } from '#shared/model/metrics.ts';
import { type HostNs, hostNs } from '#shared/model/units.ts';
import { createQueue } from '#shared/queue.ts';
import {
  type ErrorFrame,
  encodeEnviron,
  encodeInvoke,
  encodePing,
  encodeSeed,
  type GuestFrame,
  type Invocation,
  type PongFrame,
  type ResponseFrame,
} from './channel.ts';
import { describeMarks, isOfInvocation } from './describe-marks.ts';
import { createFrameDecoder } from './frame-decoder.ts';
import { linearPageBytes, reservePages } from './layout.ts';
import { readAnswer } from './read-answer.ts';

export interface SessionOptions {
  /** Frequency of the guest's counter as an earlier guest on this host measured it; 0 when none has. */
  readonly tscHz: bigint;
  /** Called with this guest's measurement. */
  readonly onTscHz: (hz: bigint) => void;
  /** True for a guest that has booted before: it has sent its HELLO, and its marks of the boot are no one's start. */
  readonly isUp?: boolean | undefined;
  /** True for a guest that serves HTTP by itself: once it is up it gets what it opens its network with. */
  readonly servesHttp?: boolean | undefined;
}

/** A guest stops a handler at its deadline by itself; a guest that has not answered this much later never will. */
const graceMs = 3_000;
const pingTimeoutMs = 1_000;
/** The first messages bound when the guest's clock began; later ones add nothing, and fitting a clock to many takes long. */
const maxReceived = 16;
const maxUnasked = 16;
/** No processor's counter is slower or faster. A guest's measurement is passed to the next one, so it must be credible. */
const credibleHz = { least: 100_000_000n, most: 20_000_000_000n } as const;

type Answer = ResponseFrame | ErrorFrame;
type Received = InvocationResult['received'][number];
interface Waiting<Frame> {
  readonly id: number;
  readonly resolve: (heard: { frame: Frame; atNs: HostNs }) => void;
  readonly reject: (error: FirstlightError) => void;
}

/** The host's end of an Ember guest's channel. */
export function openEmberSession(channel: Duplex, options: SessionOptions): GuestSession {
  const decoder = createFrameDecoder();
  const received: Received[] = [];
  let answering: Waiting<Answer> | null = null;
  let ponging: Waiting<PongFrame> | null = null;
  /** One conversation at a time: the guest reads a frame only after it has answered the last one. */
  const queue = createQueue();
  let marks: readonly GuestMark[] = [];
  let heap: HeapUse | null = null;
  let heapLimitBytes: number | null = null;
  // Not from 1: the answer to a request of an earlier owner must not be taken for an answer to ours.
  let nextId = randomInt(1, 2 ** 31);
  let greeted = false;
  let unasked = 0;
  let end: { readonly reason: FirstlightError | null } | null = null;
  const ready = createDeferred<void>();
  const closed = createDeferred<FirstlightError | null>();

  function finish(reason: FirstlightError | null): void {
    if (end !== null) return;
    end = { reason };
    const error = reason ?? channelEnded();
    answering?.reject(error);
    ponging?.reject(error);
    channel.destroy();
    closed.resolve(reason);
  }

  if (options.isUp) ready.resolve();
  channel.on('data', (chunk: Uint8Array) => {
    if (end !== null) return;
    const atNs = arrivalOf(channel);
    try {
      for (const frame of decoder.push(chunk)) take(frame, atNs);
    } catch (thrown) {
      finish(toFirstlightError(thrown));
    }
  });
  channel.on('error', (cause) => finish(channelEnded(cause)));
  channel.on('end', () => finish(null));
  channel.on('close', () => finish(null));

  function take(frame: GuestFrame, atNs: HostNs): void {
    if (frame.tscHz >= credibleHz.least && frame.tscHz <= credibleHz.most) options.onTscHz(frame.tscHz);
    if (frame.type === 'pong') {
      if (ponging?.id === frame.id) ponging.resolve({ frame, atNs });
      return;
    }
    if (frame.type === 'hello' ? greeted : answering?.id !== frame.id) {
      // A failing guest reports it unasked, and an adopted instance may still answer its earlier owner. More is a
      // flood.
      if (++unasked > maxUnasked) {
        throw new FirstlightError('CHANNEL_BROKEN', 'The guest keeps sending what nobody asked for.');
      }
      return;
    }
    greeted = true;
    if (received.length < maxReceived) received.push({ ticks: Number(frame.tscNow), atNs });
    marks = describeMarks(options.isUp ? frame.marks.filter(isOfInvocation) : frame.marks);
    if (frame.type === 'hello') heapLimitBytes = Math.max(0, frame.maxPages - reservePages) * linearPageBytes;
    const { pages, usedBytes } = frame.heap;
    heap = { usedBytes, claimedBytes: pages * linearPageBytes, limitBytes: heapLimitBytes };
    ready.resolve();
    if (frame.type === 'hello') {
      // Not before: the guest may have been paused for a long time, and the clock is as of when the guest reads it.
      if (options.servesHttp) channel.write(encodeSeed(freshSeed()));
      return;
    }
    answering?.resolve({ frame, atNs });
    answering = null;
  }

  /** Sends a frame and waits for its answer. */
  function ask<Frame>(
    bytes: Uint8Array,
    id: number,
    setWaiting: (waiting: Waiting<Frame> | null) => void,
  ): Promise<{ frame: Frame; atNs: HostNs }> {
    return new Promise<{ frame: Frame; atNs: HostNs }>((resolve, reject) => {
      if (end !== null) return reject(end.reason ?? channelEnded());
      setWaiting({ id, resolve, reject });
      channel.write(bytes);
    }).finally(() => setWaiting(null));
  }

  function freshSeed(): Pick<Invocation, 'wallNs' | 'tscHz' | 'seed'> {
    return { wallNs: BigInt(Date.now()) * 1_000_000n, tscHz: options.tscHz, seed: randomBytes(32) };
  }

  async function invokeNow(request: InvocationRequest): Promise<InvocationResult> {
    request.signal?.throwIfAborted();
    const id = nextId++;
    const { variables = {}, args } = request;
    const invocation = encodeInvoke({
      id,
      deadlineMs: request.timeoutMs,
      ...freshSeed(),
      eventJson: JSON.stringify(request.event),
    });
    const given = [
      ...(Object.keys(variables).length === 0 ? [] : [encodeEnviron(variables)]),
      ...(args === undefined ? [] : [encodeEnviron(args)]),
    ];
    const bytes = given.length === 0 ? invocation : Buffer.concat([...given, invocation]);
    const sentAtNs = hostNow();
    const giveUp = new AbortController();
    try {
      const { frame, atNs } = await Promise.race([
        ask<Answer>(bytes, id, (waiting) => {
          answering = waiting;
        }),
        deadline(ready.promise, request, giveUp.signal),
      ]);
      return { outcome: readAnswer(frame), sentAtNs, receivedAtNs: atNs, marks, received };
    } catch (thrown) {
      // The guest may still be working on it after any failure: an answer to this invocation must not be taken for the
      // next one's.
      const error = toFirstlightError(thrown);
      return { outcome: { ok: false, error, fatal: true }, sentAtNs, receivedAtNs: hostNow(), marks, received };
    } finally {
      giveUp.abort();
    }
  }

  async function ping(): Promise<ClockSample> {
    const id = nextId++;
    const sentAtNs = hostNow();
    const giveUp = new AbortController();
    try {
      const { frame, atNs } = await Promise.race([
        ask<PongFrame>(encodePing(id, BigInt(sentAtNs)), id, (waiting) => {
          ponging = waiting;
        }),
        timeOut(pingTimeoutMs, 'The guest did not answer a ping.', giveUp.signal),
      ]);
      return {
        hostSentNs: sentAtNs,
        guestReceivedTicks: Number(frame.tscReceived),
        guestSentTicks: Number(frame.tscSent),
        hostReceivedNs: atNs,
      };
    } finally {
      giveUp.abort();
    }
  }

  return {
    ready: ready.promise,
    closed: closed.promise,
    invoke: (request) => queue(() => invokeNow(request)),
    seen: () => ({ marks, received: [...received] }),
    heap: () => heap,
    sampleClock: (count) =>
      queue(async () => {
        const samples: ClockSample[] = [];
        for (let i = 0; i < count; i++) samples.push(await ping());
        return samples;
      }),
    close: () => finish(null),
  };
}

/** When the current bytes reached this process: the stream's own record, where it has one. */
function arrivalOf(channel: Duplex & { readonly receivedAtNs?: bigint | undefined }): HostNs {
  return channel.receivedAtNs === undefined ? hostNow() : hostNs(Number(channel.receivedAtNs));
}

/** Rejects when an invocation exceeds its time, counted from when the guest was up, or when it is cancelled. */
async function deadline(ready: Promise<void>, request: InvocationRequest, signal: AbortSignal): Promise<never> {
  const cancelled = new Promise<never>((_, reject) => {
    const cancel = () => reject(new FirstlightError('CANCELLED', 'The invocation was cancelled.'));
    request.signal?.addEventListener('abort', cancel, { once: true, signal });
  });
  const message = `The function did not answer within ${request.timeoutMs} ms, and did not stop when its time was over.`;
  if (request.isDebugged) return await cancelled;
  return await Promise.race([cancelled, ready.then(() => timeOut(request.timeoutMs + graceMs, message, signal))]);
}

async function timeOut(ms: number, message: string, signal: AbortSignal): Promise<never> {
  try {
    await sleep(ms, undefined, { signal, ref: false });
  } catch {
    // No longer needed: the race is over, and this promise must not decide it.
    return await new Promise<never>(() => undefined);
  }
  throw new FirstlightError('FUNCTION_TIMEOUT', message, {
    hint: 'The instance was ended. Look for a loop that never ends, or raise timeoutMs in firstlight.json.',
  });
}

function channelEnded(cause?: unknown): FirstlightError {
  return new FirstlightError('CHANNEL_BROKEN', 'The channel to the guest ended before it answered.', { cause });
}
