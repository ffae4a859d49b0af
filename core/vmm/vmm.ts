import type { PlacedMachine } from './machine.ts';

/** A machine that a VMM has started. */
export interface RunningMachine {
  /** Lets its processors run; the guest executes nothing before the first time. */
  readonly resume: () => Promise<void>;
  readonly pause: () => Promise<void>;
  /** Ends it without asking the guest. */
  readonly stop: () => Promise<void>;
  /** Settles when it is no more, whoever ended it. */
  readonly ended: Promise<void>;
}

/** What starts machines. */
export interface Vmm {
  readonly id: string;
  /**
   * Starts a machine paused, with its sockets open.
   *
   * Errors: MACHINE_UNSUPPORTED before anything is started; QEMU_MISSING, BOOT_FAILED.
   */
  readonly start: (placed: PlacedMachine) => Promise<RunningMachine>;
}
