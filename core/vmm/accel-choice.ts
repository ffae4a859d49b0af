import type { Accel } from '#shared/model/instance.ts';

/** The accelerator to use, and why. */
export interface AccelChoice {
  readonly kind: Accel;
  /** A few words to show beside the accelerator's name. */
  readonly reason: string;
  /** The observation, where the reason leaves it out. */
  readonly details?: string | undefined;
}
