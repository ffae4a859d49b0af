import { setTimeout as sleep } from 'node:timers/promises';
import type { MachineEnd, RunningMachine } from '#core/vmm/vmm.ts';
import { createDeferred } from '#shared/deferred.ts';
import { type FirstlightError, toFirstlightError } from '#shared/errors.ts';

export interface InstanceEndOptions {
  readonly machine: () => RunningMachine;
  /** Called once, when the machine is gone. */
  readonly onEnded: (reason: MachineEnd) => void;
  /** Called when the VMM did not end the machine: it may still run. */
  readonly onRefused: () => void;
}

/** The end of an instance's machine: requested here, or reported by its host. */
export interface InstanceEnd {
  /** The reason why the machine is gone; null while it runs. */
  readonly reason: MachineEnd | null;
  /** Settles when the machine is gone. */
  readonly gone: Promise<void>;
  /** Records that the machine is gone, once, on the first report. */
  readonly report: (reason: MachineEnd) => void;
  /** Ends the machine without asking the guest. Returns at once. */
  readonly kill: () => void;
  /** Asks the guest to power off, so that it writes its volumes first, and ends it if it does not. Never rejects. */
  readonly shutDown: () => Promise<void>;
  /** Ends the machine where an end was requested and failed, as with a host that was lost and is back. */
  readonly retry: () => void;
  /** Settles when the machine is gone. Errors: those of a VMM that does not end it. */
  readonly untilGone: () => Promise<void>;
}

/** A guest whose program ends at SIGTERM was gone after 0.2 s; the kernel itself would wait for 30. */
const shutDownMs = 3_000;

export function createInstanceEnd({ machine, onEnded, onRefused }: InstanceEndOptions): InstanceEnd {
  const ended = createDeferred();
  const waiters = new Set<(error: FirstlightError) => void>();
  let reason: MachineEnd | null = null;
  let wasRefused = false;

  function report(next: MachineEnd): void {
    if (reason !== null) return;
    reason = next;
    ended.resolve();
    onEnded(next);
  }

  /** The machine may still run: nothing of it is removed, and the waiters for its end get the error. */
  function refuse(thrown: unknown): void {
    wasRefused = true;
    onRefused();
    const error = toFirstlightError(thrown);
    for (const reject of waiters) reject(error);
    waiters.clear();
  }

  function kill(): void {
    machine()
      .kill()
      .then(() => report('gone'), refuse);
  }

  return {
    get reason() {
      return reason;
    },
    gone: ended.promise,
    report,
    kill,
    shutDown: async () => {
      const isAsked = await machine()
        .shutDown()
        .then(
          () => true,
          () => false,
        );
      if (isAsked) await Promise.race([ended.promise, sleep(shutDownMs, undefined, { ref: false })]);
      if (reason === null) kill();
    },
    retry: () => {
      if (reason !== null || !wasRefused) return;
      wasRefused = false;
      kill();
    },
    untilGone: () =>
      new Promise((resolve, reject) => {
        waiters.add(reject);
        void ended.promise.then(resolve);
      }),
  };
}
