import type { GuestSession, InstanceLink, InvocationRequest, InvocationResult } from '#core/runtime/runtime.ts';
import { toFirstlightError } from '#core/store/from-format-error.ts';
import { hostNow } from '#core/store/host-clock.ts';
import { createDeferred } from '#shared/deferred.ts';
import { FirstlightError } from '#shared/errors.ts';
import { createQueue } from '#shared/queue.ts';
import { type BootWatch, watchBoot } from './boot-watch.ts';
import { createFunctionCaller } from './call-function.ts';
import { createJobCaller } from './call-job.ts';
import { createProgramCaller } from './call-program.ts';
import { readSessionInfo, type SessionInfo } from './session-info.ts';

/** What a caller may use. */
export interface CallerContext {
  readonly info: SessionInfo;
  readonly link: InstanceLink;
  readonly watch: BootWatch;
  /** The guest's address as the host reaches it. Errors: CHANNEL_BROKEN when it cannot be known. */
  readonly host: () => Promise<string>;
}

/** How one kind of guest is called. */
export interface Caller {
  /** Settles when the guest is up as far as this kind can tell. */
  readonly ready: Promise<void>;
  /** Errors: whatever ends the instance; the outcome of the function itself is in the result. */
  readonly call: (request: InvocationRequest) => Promise<Omit<InvocationResult, 'hostMarks'>>;
  readonly sampleClock: GuestSession['sampleClock'];
  /** Absent for a guest that says nothing of its own. */
  readonly seen?: GuestSession['seen'];
  readonly close: () => void;
}

/** The host's end of a Nanos instance: by Firstlight's own protocol, by HTTP, or by what it prints until it ends. */
export function openNanosSession(link: InstanceLink): GuestSession {
  const info = readSessionInfo(link.sessionInfo);
  const watch = watchBoot(link.onSerial, info);
  const host = async () => {
    if (info.host !== null) return info.host;
    if (link.fresh) return await watch.address;
    throw new FirstlightError(
      'CHANNEL_BROKEN',
      'The address of this instance is not known: it got it before this program began.',
      {
        hint: 'Give it a fixed one (`nanos.address` in firstlight.json), or run the function again.',
      },
    );
  };
  const caller = createCaller({ info, link, watch, host });
  const queue = createQueue();
  let answered = !link.fresh;
  const closed = createDeferred<FirstlightError | null>();
  const finish = () => {
    watch.stop();
    caller.close();
    closed.resolve(null);
  };
  void link.ended.then(finish);

  async function invokeNow(request: InvocationRequest): Promise<InvocationResult> {
    const sentAtNs = hostNow();
    const over = new AbortController();
    const unsent = request.signal?.aborted ?? false;
    try {
      if (unsent) throw cancelledError();
      const result = await Promise.race([caller.call(request), untilCancelled(request.signal, over.signal)]);
      answered = true;
      watch.stop();
      return { ...result, hostMarks: watch.marks() };
    } catch (thrown) {
      const error = toFirstlightError(thrown);
      // Whatever broke, the guest may still be at it; what it was never asked does it no harm, once it is up.
      const outcome = { ok: false, error, fatal: !(unsent && answered) } as const;
      const { marks, received, guestClock } = caller.seen?.() ?? { marks: [], received: [] };
      return { outcome, sentAtNs, receivedAtNs: hostNow(), marks, received, guestClock, hostMarks: watch.marks() };
    } finally {
      over.abort();
    }
  }

  return {
    ready: caller.ready,
    closed: closed.promise,
    invoke: (request) => queue(() => invokeNow(request)),
    hostMarks: watch.marks,
    seen: caller.seen,
    sampleClock: caller.sampleClock,
    close: finish,
  };
}

function createCaller(context: CallerContext): Caller {
  switch (context.info.kind) {
    case 'function':
      return createFunctionCaller(context);
    case 'http':
      return createProgramCaller(context);
    case 'job':
      return createJobCaller(context);
  }
}

const cancelledError = () => new FirstlightError('CANCELLED', 'The invocation was cancelled.');

/** Rejects when `signal` says so, unless `over` says before that nobody waits any more. */
function untilCancelled(signal: AbortSignal | undefined, over: AbortSignal): Promise<never> {
  return new Promise<never>((_, reject) => {
    signal?.addEventListener('abort', () => reject(cancelledError()), { once: true, signal: over });
  });
}

/** Rejects after a time, unless `signal` says that nobody waits any more. */
export async function tooLate(ms: number, message: string, signal: AbortSignal): Promise<never> {
  return await new Promise<never>((_, reject) => {
    if (signal.aborted) return;
    const timer = setTimeout(() => {
      const hint = 'Look for a loop that never ends, or raise timeoutMs in firstlight.json. The instance was ended.';
      reject(new FirstlightError('FUNCTION_TIMEOUT', message, { hint }));
    }, ms);
    timer.unref();
    signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  });
}

/** A result for an event that cannot be sent: the guest is none the worse for it. */
export function refuse(error: FirstlightError): Omit<InvocationResult, 'hostMarks'> {
  const atNs = hostNow();
  return { outcome: { ok: false, error, fatal: false }, sentAtNs: atNs, receivedAtNs: atNs, marks: [], received: [] };
}

/** Rejects when the domain is no more. */
export async function goneAsError(ended: Promise<void>): Promise<never> {
  await ended;
  throw new FirstlightError('CHANNEL_BROKEN', 'The guest ended before it answered.');
}
