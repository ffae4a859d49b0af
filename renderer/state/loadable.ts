import type { FirstlightError } from '#shared/errors.ts';

/** A value that comes from the engine: what is known of it so far, and what went wrong last. */
export interface Loadable<T> {
  readonly status: 'idle' | 'loading' | 'ready' | 'failed';
  /** The last value that arrived; kept while a newer one is on its way or failed to come. */
  readonly value: T | null;
  readonly error: FirstlightError | null;
}

export const idle: Loadable<never> = { status: 'idle', value: null, error: null };
export const loading = <T>(before: Loadable<T> | undefined): Loadable<T> => ({
  status: 'loading',
  value: before?.value ?? null,
  error: null,
});
export const ready = <T>(value: T): Loadable<T> => ({ status: 'ready', value, error: null });
export const failed = <T>(before: Loadable<T> | undefined, error: FirstlightError): Loadable<T> => ({
  status: 'failed',
  value: before?.value ?? null,
  error,
});
