import type { GuestSession, InstanceLink, InvocationRequest, InvocationResult } from '#core/runtime/session.ts';
import { toFirstlightError } from '#core/store/from-format-error.ts';
import { hostNow } from '#core/store/host-clock.ts';
import { createDeferred } from '#shared/deferred.ts';
import { FirstlightError } from '#shared/errors.ts';
import { createQueue } from '#shared/queue.ts';
import { watchBoot } from './boot-watch.ts';
import { createFunctionCaller } from './call-function.ts';
import { createJobCaller } from './call-job.ts';
import { createProgramCaller } from './call-program.ts';
import type { Caller, CallerContext } from './caller.ts';
import { readSessionInfo } from './session-info.ts';

/** The host's end of a Nanos instance: by Firstlight's own protocol, by HTTP, or by its output until it ends. */
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
      // The guest may still be working after any failure; an unsent request does no harm, once the guest is up.
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

/** Rejects when `signal` aborts, unless `over` ends the wait before that. */
function untilCancelled(signal: AbortSignal | undefined, over: AbortSignal): Promise<never> {
  return new Promise<never>((_, reject) => {
    signal?.addEventListener('abort', () => reject(cancelledError()), { once: true, signal: over });
  });
}
