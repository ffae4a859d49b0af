import type { FirstlightError } from '#shared/errors.ts';

/** A value from the engine: its last known state, and the last error. */
export interface Loadable<T> {
  readonly status: 'idle' | 'loading' | 'ready' | 'failed';
  /** The last value that arrived; kept while a newer one is loading or failed to load. */
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
