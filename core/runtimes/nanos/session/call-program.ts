import { setTimeout as sleep } from 'node:timers/promises';
import type { InvocationRequest, InvocationResult } from '#core/runtimes/runtime.ts';
import { FirstlightError } from '#shared/errors.ts';
import { callHttp } from './http-call.ts';
import { type Caller, type CallerContext, goneAsError, tooLate } from './nanos-session.ts';

/** A refused connection costs the guest one packet; the answer is late by half of this at the median. */
const retryMs = 4;

/**
 * Calls a program by HTTP, as soon as its kernel has an address. Until it answers for the first time, a connection that is
 * refused, or that ends without a byte, is tried again: that is how QEMU's user-mode network says that nobody listens yet.
 */
export function createProgramCaller({ info, link, watch, host }: CallerContext): Caller {
  const ready = link.fresh ? watch.address.then(() => undefined) : Promise.resolve();
  let answered = !link.fresh;

  async function untilAnswered(request: InvocationRequest, signal: AbortSignal) {
    await ready;
    const target = { host: await host(), port: info.port };
    for (;;) {
      const result = await callHttp(target, request.event, signal);
      if (result.kind === 'answered') return result;
      if (answered) {
        throw new FirstlightError(
          'CHANNEL_BROKEN',
          `The program closed the connection to port ${info.port} unanswered.`,
          {
            cause: result.cause,
          },
        );
      }
      await sleep(retryMs, undefined, { signal });
    }
  }

  async function call(request: InvocationRequest): Promise<Omit<InvocationResult, 'hostMarks'>> {
    const over = new AbortController();
    const { signal, timeoutMs } = request;
    const either = signal === undefined ? over.signal : AbortSignal.any([over.signal, signal]);
    const gone = goneAsError(link.ended);
    gone.catch(() => undefined);
    try {
      const answering = untilAnswered(request, either);
      answering.catch(() => undefined);
      const late = ready.then(() => tooLate(timeoutMs, lateWords(timeoutMs, info.port), over.signal));
      const { response, sentAtNs, receivedAtNs } = await Promise.race([answering, late, gone]);
      answered = true;
      return { outcome: { ok: true, response }, sentAtNs, receivedAtNs, marks: [], received: [] };
    } finally {
      over.abort();
    }
  }

  return { ready, call, sampleClock: async () => [], close: () => undefined };
}

const lateWords = (timeoutMs: number, port: number) =>
  `The program did not answer on port ${port} within ${timeoutMs} ms. Does it listen there, on all addresses?`;
