import { describe, expect, it } from 'vitest';
import { FirstlightError } from '#shared/errors.ts';
import { type AttachmentState, attach } from './attachment.ts';

function setUp() {
  const opened: { deliver: (text: string) => void; end: (error?: Error) => void; closed: boolean }[] = [];
  const states: AttachmentState[] = [];
  const timers: { act: () => void; delayMs: number }[] = [];
  const seen: string[] = [];
  let nowMs = 0;
  const attachment = attach(
    {
      open: (onChunk) => {
        const entry = { deliver: (text: string) => void onChunk(new TextEncoder().encode(text)), closed: false };
        const ended = new Promise<void>((resolve, reject) => {
          opened.push(Object.assign(entry, { end: (error?: Error) => (error ? reject(error) : resolve()) }));
        });
        return {
          write: (bytes) => seen.push(`> ${new TextDecoder().decode(bytes)}`),
          close: () => (entry.closed = true),
          ended,
        };
      },
    },
    {
      onRestart: () => seen.push('restart'),
      onChunk: (bytes) => void seen.push(new TextDecoder().decode(bytes)),
      onState: (state) => states.push(state),
      later: (act, delayMs) => {
        const timer = { act, delayMs };
        timers.push(timer);
        return () => timers.splice(timers.indexOf(timer), 1);
      },
      nowMs: () => nowMs,
    },
  );
  return {
    attachment,
    opened,
    states,
    timers,
    seen,
    advance: (byMs: number) => {
      nowMs += byMs;
    },
    settle: () => new Promise((resolve) => setImmediate(resolve)),
  };
}

describe('attachment', () => {
  it('tries again after longer and longer waits', async () => {
    const { opened, timers, states, settle } = setUp();
    const delays: number[] = [];
    for (let i = 0; i < 7; i++) {
      opened.at(-1)?.end(new Error('socket closed'));
      await settle();
      const timer = timers.pop();
      delays.push(timer?.delayMs ?? 0);
      timer?.act();
    }
    expect(delays).toEqual([500, 1000, 2000, 4000, 8000, 15_000, 15_000]);
    expect(states.at(-2)).toEqual({ kind: 'lost', reason: 'socket closed', retryInMs: 15_000 });
  });

  it('starts with a short wait again after a connection that held', async () => {
    const { opened, timers, advance, settle } = setUp();
    opened[0]?.end(new Error('lost'));
    await settle();
    timers.pop()?.act();
    advance(5000);
    opened[1]?.end(new Error('lost'));
    await settle();
    expect(timers.pop()?.delayMs).toBe(500);
  });

  it('does not try again what cannot be repaired, nor after a clean end', async () => {
    const gone = setUp();
    gone.opened[0]?.end(new FirstlightError('NOT_FOUND', 'no such instance'));
    await gone.settle();
    expect(gone.states.at(-1)).toEqual({ kind: 'lost', reason: 'no such instance', retryInMs: null });
    const ended = setUp();
    ended.opened[0]?.end();
    await ended.settle();
    expect(ended.states.at(-1)).toEqual({ kind: 'ended' });
    expect([...gone.timers, ...ended.timers]).toEqual([]);
  });

  it('wipes the screen only once a new connection delivers', async () => {
    const { attachment, opened, seen, settle } = setUp();
    opened[0]?.deliver('boot');
    attachment.reconnect();
    await settle();
    expect([opened[0]?.closed, seen]).toEqual([true, ['boot']]);
    opened[0]?.deliver('late bytes of the old one');
    opened[1]?.deliver('boot again');
    attachment.write(new TextEncoder().encode('x'));
    expect(seen).toEqual(['boot', 'restart', 'boot again', '> x']);
  });

  it('leaves nothing behind when disposed', async () => {
    const { attachment, opened, timers, settle } = setUp();
    opened[0]?.end(new Error('lost'));
    await settle();
    attachment.dispose();
    expect(timers).toEqual([]);
  });
});
