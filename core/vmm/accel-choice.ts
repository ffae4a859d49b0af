import type { Accel } from '#shared/model/instance.ts';

/** The accelerator to use, and why. */
export interface AccelChoice {
  readonly kind: Accel;
  /** A few words that go beside the accelerator's name. */
  readonly reason: string;
  /** What was seen, where the reason leaves it out. */
  readonly details?: string | undefined;
}
