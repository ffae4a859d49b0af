import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import type { GuestSession } from '#core/runtime/session.ts';
import { createConsoleHub } from './console-hub.ts';
import { createFailureWatch, type WatchedInstance } from './failure-watch.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Waits as a start does, for a failure that never comes. Shape: a reference that shows whether it is still in memory. */
function watchOne(): WeakRef<WatchedInstance> {
  const watched: WatchedInstance = {
    id: 'hello-1',
    runtime: { readPanic: () => null },
    sessionInfo: null,
    console: createConsoleHub(),
    bootTimeoutMs: 1_000,
    ended: new Promise(() => undefined),
    endReason: () => null,
    consoleEnded: () => false,
    answered: () => true,
  };
  const over = new AbortController();
  const watch = createFailureWatch(watched);
  void watch.bootTimeoutResult({} as GuestSession, over.signal);
  void watch.panicResult(over.signal);
  over.abort();
  return new WeakRef(watched);
}

it('is forgotten once nobody waits: a thousand starts hold no more memory than one', async () => {
  const watched = Array.from({ length: 20 }, watchOne);
  for (let round = 0; round < 5; round++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    collectGarbage();
  }
  expect(watched.filter((one) => one.deref() !== undefined)).toEqual([]);
});
