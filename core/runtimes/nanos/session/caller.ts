/** The common part of the ways of calling a guest. */
import type { GuestSession, InstanceLink, InvocationRequest, InvocationResult } from '#core/runtime/session.ts';
import { hostNow } from '#core/store/host-clock.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { BootWatch } from './boot-watch.ts';
import type { SessionInfo } from './session-info.ts';

/** The context of a caller. */
export interface CallerContext {
  readonly info: SessionInfo;
  readonly link: InstanceLink;
  readonly watch: BootWatch;
  /** The guest's address as the host reaches it. Errors: CHANNEL_BROKEN when it cannot be known. */
  readonly host: () => Promise<string>;
}

/** The calls to one kind of guest. */
export interface Caller {
  /** Settles when the guest is up, as far as this kind can see. */
  readonly ready: Promise<void>;
  /** Errors: the failures that end the instance; the outcome of the function itself is in the result. */
  readonly call: (request: InvocationRequest) => Promise<Omit<InvocationResult, 'hostMarks'>>;
  readonly sampleClock: GuestSession['sampleClock'];
  /** Absent for a guest that reports nothing itself. */
  readonly seen?: GuestSession['seen'];
  readonly close: () => void;
}

/** Rejects after a time, unless `signal` aborts because the wait is over. */
export async function tooLate(ms: number | null, message: string, signal: AbortSignal): Promise<never> {
  return await new Promise<never>((_, reject) => {
    if (ms === null || signal.aborted) return;
    const timer = setTimeout(() => {
      const hint = 'Look for a loop that never ends, or raise timeoutMs in firstlight.json. The instance was ended.';
      reject(new FirstlightError('FUNCTION_TIMEOUT', message, { hint }));
    }, ms);
    timer.unref();
    signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  });
}

/** A result for an event that cannot be sent: the guest stays usable. */
export function refuse(error: FirstlightError): Omit<InvocationResult, 'hostMarks'> {
  const atNs = hostNow();
  return { outcome: { ok: false, error, fatal: false }, sentAtNs: atNs, receivedAtNs: atNs, marks: [], received: [] };
}

/** Rejects when the machine is gone. */
export async function goneAsError(ended: Promise<void>): Promise<never> {
  await ended;
  throw new FirstlightError('CHANNEL_BROKEN', 'The guest ended before it answered.');
}
