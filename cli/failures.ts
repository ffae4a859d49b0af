import { FirstlightError } from '#shared/errors.ts';
import type { EndSignal } from './io.ts';

/** Thrown when a signal ended the command. */
export class Ended extends Error {
  readonly signal: EndSignal;
  /** True when the work ended well: a server, or a watch, that was asked to stop. */
  readonly wasDone: boolean;
  constructor(signal: EndSignal, wasDone = false) {
    super(`Ended by ${signal}.`);
    this.signal = signal;
    this.wasDone = wasDone;
  }
}

/** The error of a value that a person typed. */
export const badInput = (message: string, hint?: string): FirstlightError =>
  new FirstlightError('BAD_INPUT', message, { hint });
