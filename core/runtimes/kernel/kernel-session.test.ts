import { describe, expect, it } from 'vitest';
import { hostNow } from '#core/store/host-clock.ts';
import { createDeferred } from '#shared/deferred.ts';
import { openKernelSession } from './kernel-session.ts';
import { readKernelPanic } from './read-panic.ts';

function start(ready: string | null, fresh = true) {
  const ended = createDeferred<void>();
  let listener: (chunk: Uint8Array, atNs: ReturnType<typeof hostNow>) => void = () => undefined;
  const session = openKernelSession(
    {
      sessionInfo: null,
      fresh,
      openChannel: () => Promise.reject(new Error('it has no channel')),
      onSerial: (given) => {
        listener = given;
        return () => undefined;
      },
      ended: ended.promise,
    },
    ready,
  );
  return { session, print: (text: string) => listener(Buffer.from(text), hostNow()), end: () => ended.resolve() };
}

describe('a kernel that runs to its end', () => {
  it('answers with what it printed', async () => {
    const { session, print, end } = start(null);
    const answer = session.invoke({ event: null, timeoutMs: 5_000 });
    print('booted\n');
    await session.ready;
    print('42\n');
    end();
    const { outcome, hostMarks, isSent } = await answer;
    expect(outcome).toMatchObject({
      ok: true,
      ended: true,
      response: { body: { kind: 'text', value: 'booted\n42\n' } },
    });
    expect(hostMarks?.map(({ name, opens }) => [name, opens])).toEqual([['kernel.spoke', 'kernel']]);
    expect(isSent).toBe(false);
  });

  it('fails when it panics, although it ends', async () => {
    const { session, print, end } = start(null);
    print('[    5.3] Kernel panic - not syncing: VFS: Unable to mount root fs\n');
    end();
    const { outcome } = await session.invoke({ event: null, timeoutMs: 5_000 });
    expect(outcome).toMatchObject({ ok: false, error: { code: 'CHANNEL_BROKEN' } });
    expect(readKernelPanic('a\n[ 5.3] Kernel panic - not syncing: VFS: no root\nCPU: 0')).toEqual({
      message: 'The kernel panicked: VFS: no root',
      report: '[ 5.3] Kernel panic - not syncing: VFS: no root\nCPU: 0',
      byProgram: false,
    });
  });

  it('is given up after its time, with what to do', async () => {
    const { session, print } = start(null);
    print('for ever');
    const { outcome } = await session.invoke({ event: null, timeoutMs: 20 });
    expect(outcome).toMatchObject({
      ok: false,
      error: { code: 'FUNCTION_TIMEOUT', hint: expect.stringContaining('ready') },
    });
  });
});

describe('a kernel that runs on', () => {
  it('answers once it has printed its text, however that comes', async () => {
    const { session, print } = start('listening on');
    const answer = session.invoke({ event: null, timeoutMs: 5_000 });
    print('boot\nlisten');
    print('ing on 80\n');
    const { outcome, hostMarks } = await answer;
    expect(outcome).toMatchObject({ ok: true, ended: false });
    expect(hostMarks?.map(({ name, opens }) => [name, opens])).toEqual([
      ['kernel.spoke', 'kernel'],
      ['kernel.ready', 'handler'],
    ]);
  });

  it('fails when it ends before, or takes too long', async () => {
    const ending = start('up');
    const answer = ending.session.invoke({ event: null, timeoutMs: 5_000 });
    ending.print('panic');
    ending.end();
    expect((await answer).outcome).toMatchObject({ ok: false, error: { code: 'CHANNEL_BROKEN' } });
    const { outcome } = await start('up').session.invoke({ event: null, timeoutMs: 20 });
    expect(outcome).toMatchObject({ ok: false, fatal: true, error: { code: 'BOOT_TIMEOUT' } });
  });

  it('takes no requests, and can be cancelled', async () => {
    const later = await start('up', false).session.invoke({ event: null, timeoutMs: 5_000 });
    expect(later.outcome).toMatchObject({ ok: false, fatal: false, error: { code: 'CONFLICT' } });
    const abort = new AbortController();
    const answer = start('up').session.invoke({ event: null, timeoutMs: 5_000, signal: abort.signal });
    abort.abort();
    expect((await answer).outcome).toMatchObject({ ok: false, error: { code: 'CANCELLED' } });
  });
});
