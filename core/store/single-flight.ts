import { FirstlightError, toFirstlightError } from '#shared/errors.ts';

/** Work that several callers may request at once, and that is done once. */
export interface SingleFlight<Value> {
  readonly isUnderWay: (key: string) => boolean;
  /**
   * The result of `work`. A caller shares work already under way, and takes over when the first caller is cancelled.
   *
   * Errors: CANCELLED, with `message`, when `signal` aborts; as `work`.
   */
  readonly share: (key: string, signal: AbortSignal, work: () => Promise<Value>) => Promise<Value>;
}

export function createSingleFlight<Value>(message: string): SingleFlight<Value> {
  const underWay = new Map<string, Promise<Value>>();
  return {
    isUnderWay: (key) => underWay.has(key),
    share: async (key, signal, work) => {
      for (let other = underWay.get(key); other !== undefined; other = underWay.get(key)) {
        try {
          return await untilAborted(other, signal, message);
        } catch (thrown) {
          const cancelled = toFirstlightError(thrown).code === 'CANCELLED';
          if (!cancelled || signal.aborted) throw thrown;
        }
      }
      const doing = work().finally(() => underWay.delete(key));
      underWay.set(key, doing);
      return await doing;
    },
  };
}

/** Waits for work that continues without us. Errors: CANCELLED. */
function untilAborted<Value>(work: Promise<Value>, signal: AbortSignal, message: string): Promise<Value> {
  return new Promise((resolve, reject) => {
    const cancel = () => reject(new FirstlightError('CANCELLED', message));
    if (signal.aborted) return cancel();
    signal.addEventListener('abort', cancel, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', cancel));
  });
}
