import { bootFsAt } from '@firstlight/disk';
import { klogBytes } from '@firstlight/tfs';
import type { InvocationRequest, InvocationResult } from '#core/runtime/session.ts';
import { hostNow } from '#core/store/host-clock.ts';
import { FirstlightError } from '#shared/errors.ts';
import { formatBytes } from '#shared/format.ts';
import { bytes } from '#shared/model/units.ts';
import { readNanosPanic } from '../crash/read-crash.ts';
import { partOf } from '../trace/split-trace.ts';
import { maxPrinted } from './boot-watch.ts';
import { type Caller, type CallerContext, tooLate } from './caller.ts';
import { type ExitCodeReader, isExpected, openExitCode } from './exit-code.ts';

/** Waits for a program to run to its end; its output is the answer. It gets no event, and is called once. */
export function createJobCaller({ info, link, watch }: CallerContext): Caller {
  // Opened while it exists: the disk is removed with the instance.
  let unread = info.disk !== null && link.fresh ? openExitCode(info.disk, bootFsAt - klogBytes) : null;
  unread?.catch(() => undefined);
  let called = false;

  async function call({ timeoutMs, isDebugged }: InvocationRequest): Promise<Omit<InvocationResult, 'hostMarks'>> {
    if (called || !link.fresh) {
      throw new FirstlightError('CONFLICT', 'This program runs once, to its end; it cannot be called again.', {
        hint: 'Run it again. A program that serves HTTP has a "port" in firstlight.json.',
      });
    }
    called = true;
    const exitCode = unread;
    // Read after the session was closed, which the instance's end does.
    unread = null;
    try {
      return await untilEnded(isDebugged ? null : timeoutMs, exitCode);
    } finally {
      closeSoon(exitCode);
    }
  }

  async function untilEnded(timeoutMs: number | null, exitCode: Promise<ExitCodeReader> | null) {
    const sentAtNs = hostNow();
    const over = new AbortController();
    const late = watch.spoke.then(() =>
      tooLate(timeoutMs, `The program did not end within ${timeoutMs} ms.`, over.signal),
    );
    late.catch(() => undefined);
    await Promise.race([link.ended, late]).finally(() => over.abort());
    const times = { sentAtNs, isSent: false, receivedAtNs: hostNow(), marks: [], received: [] };
    if (readNanosPanic(watch.text()) !== null) {
      // The instance's manager reports the crash, with symbols.
      throw new FirstlightError('CHANNEL_BROKEN', 'The program crashed.');
    }
    // Without diagnostics every line is the program's, in any form.
    const printed = info.hasDiagnostics === false ? watch.output() : partOf(watch.output(), 'program');
    const code = (await (await exitCode)?.read()) ?? 0;
    if (code !== 0 && !isExpected(code, info.expectedExitCode)) {
      const error = new FirstlightError('FUNCTION_CRASHED', `The program ended with exit code ${code}.`, {
        hint: 'What it printed says more.',
        details: { output: Buffer.from(printed).toString('utf8') },
      });
      return { outcome: { ok: false, error, fatal: true }, ...times } as const;
    }
    if (watch.isCut()) {
      const error = new FirstlightError(
        'RESPONSE_NOT_SERIALIZABLE',
        `The program printed more than ${formatBytes(maxPrinted)}, which an answer can have.`,
        { hint: 'Let the program print less, or write it to a volume.' },
      );
      return { outcome: { ok: false, error, fatal: true }, ...times } as const;
    }
    const text = textOf(printed);
    const body =
      text === null
        ? ({ kind: 'bytes', base64: Buffer.from(printed).toString('base64') } as const)
        : ({ kind: 'text', value: text } as const);
    const headers = { 'content-type': text === null ? 'application/octet-stream' : 'text/plain; charset=utf-8' };
    const response = { status: 200, headers, body, bytes: bytes(printed.length) };
    return { outcome: { ok: true, response, ended: true }, ...times } as const;
  }

  return { ready: watch.spoke, call, sampleClock: async () => [], close: () => closeSoon(unread) };
}

/** Null for bytes that are not UTF-8: they are returned unchanged. */
function textOf(printed: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(printed);
  } catch {
    return null;
  }
}

const closeSoon = (exitCode: Promise<ExitCodeReader> | null): void =>
  void exitCode?.then((reader) => reader.close()).catch(() => undefined);
