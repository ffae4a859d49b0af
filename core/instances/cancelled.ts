import { FirstlightError } from '#shared/errors.ts';

/** Errors: CANCELLED. */
export function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw new FirstlightError('CANCELLED', 'The run was cancelled.');
}

/** Settles when the signal aborts. */
export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
