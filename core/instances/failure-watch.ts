/** Detects that an instance will not answer, and why: it did not come up, it panicked, or its machine ended. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Runtime } from '#core/runtime/runtime.ts';
import type { GuestSession, InvocationResult } from '#core/runtime/session.ts';
import { hostNow } from '#core/store/host-clock.ts';
import type { MachineEnd } from '#core/vmm/vmm.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { ConsoleHub } from './console-hub.ts';
import { describeEnd, type EndedInstance, endedError } from './end-reason.ts';

/** The instance to watch. Shape: the functions give the current state. */
export interface WatchedInstance {
  readonly id: string;
  readonly runtime: Pick<Runtime, 'readPanic' | 'decodePanic'>;
  readonly sessionInfo: string | null;
  readonly console: ConsoleHub;
  readonly bootTimeoutMs: number;
  /** Settles when the machine is gone. */
  readonly ended: Promise<void>;
  /** The reason why it is gone, as far as known. */
  readonly endReason: () => MachineEnd | null;
  /** True when its console was closed from the other end. The VMM keeps it open as long as it lives. */
  readonly consoleEnded: () => boolean;
  /** False until it has answered for the first time. */
  readonly answered: () => boolean;
}

export interface FailureWatch {
  /** A result only when the guest does not come up in time; otherwise never settles. */
  readonly bootTimeoutResult: (session: GuestSession, signal: AbortSignal) => Promise<InvocationResult>;
  /** A result only when the serial port shows a panic and no answer follows; otherwise never settles. */
  readonly panicResult: (signal: AbortSignal) => Promise<InvocationResult>;
  /** The error that explains a broken channel: the end of the machine, or the guest's own panic. */
  readonly explain: (error: FirstlightError) => Promise<FirstlightError>;
  /** The sentence that explains why it ended. */
  readonly describe: (reason: MachineEnd) => string;
}

/**
 * After a channel broke: how long to wait for the VMM to report the reason. libvirt waits for QEMU to be reaped: 1.6 s,
 * measured.
 */
export const explainWaitMs = 2_500;
const quotedConsoleBytes = 4_000;
/** The longest report of a panic, and a little that may come after it. */
const panicBytes = 16_000;
/** The time between searches for a panic, however much is printed in between. */
const panicSearchMs = 50;
/**
 * After an error of a guest that crashed: how long its report on the serial port, which is another socket, may take to
 * begin, and the pause after which it is complete. A busy machine prints in pieces.
 */
const reportWaitMs = 300;
const reportPauseMs = 50;
/** After a panic was printed: how long the guest still has to answer. */
const panicWaitMs = 1_000;
/** A new promise each time: the waiters of a shared one stay in memory with it. */
const never = () => new Promise<never>(() => undefined);

export function createFailureWatch(watched: WatchedInstance): FailureWatch {
  const { id, runtime, console, bootTimeoutMs } = watched;
  const { serial } = console;

  const endedAs = (reason: MachineEnd): EndedInstance => ({
    id,
    reason,
    consoleText: console.tail(quotedConsoleBytes),
    serialText: serial.tail(panicBytes),
    runtime,
    whileBooting: !watched.answered(),
  });

  /** Settles when a new panic is on the serial port. */
  async function untilPanic(signal: AbortSignal): Promise<void> {
    const from = serial.totalBytes();
    const panicked = () => runtime.readPanic(serial.tail(Math.min(panicBytes, serial.totalBytes() - from)));
    await new Promise<void>((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      const search = () => {
        timer = undefined;
        if (panicked() !== null) resolve();
      };
      const stopWatching = console.watch(() => {
        timer ??= setTimeout(search, panicSearchMs).unref();
      });
      const stop = () => {
        clearTimeout(timer);
        stopWatching();
      };
      signal.addEventListener('abort', stop, { once: true });
    });
  }

  /** The error with the report of the guest's crash, decoded by symbols where the runtime has them. */
  async function withSymbols(error: FirstlightError): Promise<FirstlightError> {
    if (error.code !== 'GUEST_PANICKED' && error.code !== 'FUNCTION_CRASHED') return error;
    const { decodePanic } = runtime;
    if (decodePanic === undefined) return error;
    const decode = () => decodePanic(serial.tail(panicBytes), watched.sessionInfo).catch(() => null);
    const fromMs = performance.now();
    let output: string | null = null;
    for (let seen = -1; output === null && performance.now() - fromMs < reportWaitMs; ) {
      const printed = serial.totalBytes();
      output = printed === seen ? await decode() : null;
      seen = printed;
      if (output === null) await sleep(reportPauseMs, undefined, { ref: false });
    }
    output ??= await decode();
    if (output === null) return error;
    const { code, message, hint, details, cause } = error;
    return new FirstlightError(code, message, { hint, details: { ...details, output }, cause });
  }

  return {
    bootTimeoutResult: async (session, signal) => {
      if (watched.answered()) return await never();
      const late = await Promise.race([
        session.ready.then(() => false),
        session.closed.then(() => false),
        sleep(bootTimeoutMs, true, { signal, ref: false }).catch(() => false),
      ]);
      if (!late) return await never();
      const output = console.tail(quotedConsoleBytes).trim();
      const error = new FirstlightError('BOOT_TIMEOUT', `The instance did not come up within ${bootTimeoutMs} ms.`, {
        hint:
          output === ''
            ? 'It printed nothing. Run `firstlight doctor` to test the accelerator.'
            : 'Its last lines say how far it came.',
        details: { subject: id, ...(output !== '' && { output }) },
      });
      return failedWith(error);
    },

    panicResult: async (signal) => {
      await untilPanic(signal);
      // A guest that still answers reports the same, with more.
      const waited = await sleep(panicWaitMs, true, { signal, ref: false }).catch(() => false);
      if (!waited) return await never();
      return failedWith(await withSymbols(endedError(endedAs('gone'))));
    },

    explain: async (error) => {
      if (error.code !== 'CHANNEL_BROKEN') return await withSymbols(error);
      if (watched.endReason() === null) {
        await Promise.race([watched.ended, sleep(explainWaitMs, undefined, { ref: false })]);
      }
      const reason = watched.endReason() ?? (watched.consoleEnded() ? 'vmm-ended' : null);
      if (reason === null && runtime.readPanic(serial.tail(panicBytes)) === null) return error;
      return await withSymbols(endedError(endedAs(reason ?? 'gone'), error));
    },

    describe: (reason) => describeEnd(endedAs(reason)),
  };
}

function failedWith(error: FirstlightError): InvocationResult {
  const nowNs = hostNow();
  const outcome = { ok: false, error, fatal: true } as const;
  return { outcome, sentAtNs: nowNs, receivedAtNs: nowNs, marks: [], received: [] };
}
