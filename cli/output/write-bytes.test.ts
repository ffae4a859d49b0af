import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import type { Session } from '../session.ts';
import { createFakeIo } from '../testing/fake-io.ts';
import { createStyle } from './style.ts';
import { createByteWriter } from './write-bytes.ts';

test('chunks that come faster than stdout drains are held up together, and nothing is left listening', async () => {
  const stdout = new PassThrough({ highWaterMark: 1 });
  const io = { ...createFakeIo(), stdout };
  const abort = new AbortController();
  const session: Pick<Session, 'io' | 'json' | 'signal' | 'style'> = {
    io,
    json: false,
    signal: abort.signal,
    style: createStyle(io),
  };
  const write = createByteWriter(session, 'raw');
  const held = Array.from({ length: 20 }, (_, i) => write(Buffer.from(`${i} `)));
  expect(stdout.listenerCount('drain')).toBe(1);

  const read = stdout.toArray();
  await Promise.all(held);
  expect(stdout.listenerCount('drain')).toBe(0);
  stdout.end();
  expect(Buffer.concat(await read).toString()).toBe(Array.from({ length: 20 }, (_, i) => `${i} `).join(''));
});
