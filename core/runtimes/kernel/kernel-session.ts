/** The session with an unknown kernel: its output, and its end. */
import type { GuestSession, InstanceLink, InvocationRequest, InvocationResult } from '#core/runtime/session.ts';
import { hostNow } from '#core/store/host-clock.ts';
import { createDeferred } from '#shared/deferred.ts';
import { FirstlightError } from '#shared/errors.ts';
import { bytes, ns } from '#shared/model/units.ts';
import type { HostMark } from '#shared/timeline/marks.ts';
import { readKernelPanic } from './read-panic.ts';

/** The delay from the guest's write to this process: as for other guests on QEMU's serial port. */
const serialErrorNs = ns(15_000_000);
const maxOutputBytes = 1024 * 1024;

/** Shape: `ready` is the text that the kernel prints when it is up; null for a kernel that runs to its end. */
export function openKernelSession(link: InstanceLink, ready: string | null): GuestSession {
  const marks: HostMark[] = [];
  const spoke = createDeferred<void>();
  const up = createDeferred<void>();
  const closed = createDeferred<FirstlightError | null>();
  let output = Buffer.alloc(0);
  let isUp = false;

  const mark = (name: string, label: string, atNs: HostMark['atNs'], opens: HostMark['opens']) =>
    void marks.push({ name, label, atNs, source: 'serial', errorNs: serialErrorNs, opens });

  const stop = link.onSerial((chunk, atNs) => {
    if (marks.length === 0) {
      mark('kernel.spoke', 'first word of the kernel', atNs, 'kernel');
      spoke.resolve();
    }
    output = Buffer.concat([output, chunk]).subarray(-maxOutputBytes);
    if (isUp || ready === null || !output.includes(ready)) return;
    isUp = true;
    mark('kernel.ready', `printed “${ready}”`, atNs, 'handler');
    up.resolve();
  });
  const finish = () => {
    stop();
    closed.resolve(null);
  };
  void link.ended.then(finish);

  async function invoke({ timeoutMs, isDebugged, signal }: InvocationRequest): Promise<InvocationResult> {
    const sentAtNs = hostNow();
    const over = new AbortController();
    const late = new Promise<never>((_, reject) => {
      const timer = isDebugged ? undefined : setTimeout(() => reject(tooLate(timeoutMs, ready)), timeoutMs);
      over.signal.addEventListener('abort', () => clearTimeout(timer));
      const cancel = () => reject(new FirstlightError('CANCELLED', 'The run was cancelled.'));
      signal?.addEventListener('abort', cancel, { once: true, signal: over.signal });
    });
    const times = () => ({
      sentAtNs,
      isSent: false,
      receivedAtNs: hostNow(),
      marks: [],
      received: [],
      hostMarks: marks,
    });
    try {
      if (!link.fresh) throw calledAgain();
      const ended = link.ended.then(() => true);
      const hasEnded = await Promise.race(ready === null ? [ended, late] : [ended, late, up.promise.then(() => false)]);
      // The instance's manager reports it, with the console.
      if (hasEnded && readKernelPanic(output.toString('utf8')) !== null) throw panicked();
      if (hasEnded && ready !== null && !isUp) throw endedEarly(ready);
      const body = { kind: 'text', value: output.toString('utf8') } as const;
      const response = {
        status: 200,
        headers: { 'content-type': 'text/plain; charset=utf-8' },
        body,
        bytes: bytes(output.length),
      };
      return { outcome: { ok: true, response, ended: hasEnded }, ...times() };
    } catch (error) {
      if (!(error instanceof FirstlightError)) throw error;
      return { outcome: { ok: false, error, fatal: link.fresh }, ...times() };
    } finally {
      over.abort();
    }
  }

  return {
    ready: spoke.promise,
    invoke,
    hostMarks: () => marks,
    sampleClock: async () => [],
    closed: closed.promise,
    close: finish,
  };
}

function tooLate(timeoutMs: number, ready: string | null): FirstlightError {
  const message =
    ready === null
      ? `The kernel did not end within ${timeoutMs} ms.`
      : `The kernel did not print "${ready}" within ${timeoutMs} ms.`;
  const hint =
    ready === null
      ? 'For a kernel that runs on, name the text that it prints when it is up, as "kernel.ready" in firstlight.json.'
      : 'Look at its console: `firstlight logs`.';
  return new FirstlightError(ready === null ? 'FUNCTION_TIMEOUT' : 'BOOT_TIMEOUT', message, { hint });
}

const endedEarly = (ready: string) =>
  new FirstlightError('CHANNEL_BROKEN', `The kernel ended before it printed "${ready}".`, {
    hint: 'Look at its console: `firstlight logs`.',
  });

const panicked = () => new FirstlightError('CHANNEL_BROKEN', 'The kernel panicked.');

const calledAgain = () =>
  new FirstlightError('CONFLICT', 'A kernel takes no requests from Firstlight: it boots once.', {
    hint: 'Run it again, or reach it at its ports (`kernel.network.ports`).',
  });
