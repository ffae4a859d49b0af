import { setTimeout as sleep } from 'node:timers/promises';
import type { InvocationRequest, InvocationResult } from '#core/runtime/session.ts';
import { type ErrorCode, FirstlightError } from '#shared/errors.ts';
import { type Caller, type CallerContext, goneAsError, refuse, tooLate } from './caller.ts';
import { callHttp, type HttpRequest, toRequest } from './http-call.ts';

/** A refused connection costs the guest one packet; the answer is late by half of this at the median. */
const retryMs = 4;
/** A program's end is known this much later: QEMU must exit, and libvirt must reap it. */
const endWaitMs = 2_000;

/** The program stays usable after an event that cannot be sent, and after an answer that is too long. */
const harmless: ReadonlySet<ErrorCode> = new Set(['BAD_INPUT', 'RESPONSE_NOT_SERIALIZABLE']);

/**
 * Calls a program by HTTP, as soon as its kernel has an address. Until it answers for the first time, a connection that
 * is refused, or that ends without a byte, is tried again: that is how QEMU's user-mode network shows that no program
 * listens yet.
 */
export function createProgramCaller({ info, link, watch, host }: CallerContext): Caller {
  const ready = link.fresh ? watch.address.then(() => undefined) : Promise.resolve();
  let answered = !link.fresh;

  async function untilAnswered(request: HttpRequest, signal: AbortSignal) {
    const target = { host: await host(), port: info.port };
    for (;;) {
      const result = await callHttp(target, request, signal);
      if (result.kind === 'answered') return result;
      if (answered) {
        const message = `The program closed the connection to port ${info.port} unanswered.`;
        throw new FirstlightError('CHANNEL_BROKEN', message, { cause: result.cause });
      }
      await sleep(retryMs, undefined, { signal });
    }
  }

  const endsSoon = () =>
    Promise.race([link.ended.then(() => true), sleep(endWaitMs, undefined, { ref: false }).then(() => false)]);

  async function call(request: InvocationRequest): Promise<Omit<InvocationResult, 'hostMarks'>> {
    const { event, timeoutMs, isDebugged, signal } = request;
    const over = new AbortController();
    const either = signal === undefined ? over.signal : AbortSignal.any([over.signal, signal]);
    const gone = goneAsError(link.ended);
    gone.catch(() => undefined);
    try {
      await Promise.race([ready, gone]);
      const answering = untilAnswered(toRequest(event), either);
      const late = tooLate(isDebugged ? null : timeoutMs, lateWords(timeoutMs, info.port), over.signal);
      const { response, sentAtNs, receivedAtNs } = await Promise.race([answering, late, gone]);
      answered = true;
      return { outcome: { ok: true, response }, sentAtNs, receivedAtNs, marks: [], received: [] };
    } catch (thrown) {
      if (!(thrown instanceof FirstlightError)) throw thrown;
      // A program may break off one answer and still serve the next.
      const broke = answered && thrown.code === 'CHANNEL_BROKEN' && !(await endsSoon());
      if (broke || harmless.has(thrown.code)) return refuse(thrown);
      throw thrown;
    } finally {
      over.abort();
    }
  }

  return { ready, call, sampleClock: async () => [], close: () => undefined };
}

const lateWords = (timeoutMs: number, port: number) =>
  `The program did not answer on port ${port} within ${timeoutMs} ms. Does it listen there, on all addresses?`;
