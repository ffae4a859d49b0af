import { FirstlightError } from '#shared/errors.ts';
import type { EndSignal } from './io.ts';

/** Thrown when a signal ended the command. */
export class Ended extends Error {
  readonly signal: EndSignal;
  constructor(signal: EndSignal) {
    super(`Ended by ${signal}.`);
    this.signal = signal;
  }
}

/** The error of a value that a person typed. */
export const badInput = (message: string, hint?: string): FirstlightError =>
  new FirstlightError('BAD_INPUT', message, { hint });
