import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { stderrMarkers } from '#shared/console-streams.ts';
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

test('a console’s stderr is red on a terminal, named with --json, and without its markers in a file', async () => {
  const show = async (changes: { isTTY?: boolean; json?: boolean }) => {
    const stdout = Object.assign(new PassThrough(), { isTTY: changes.isTTY ?? false });
    const io = { ...createFakeIo(), stdout };
    const style = createStyle(io);
    const signal = new AbortController().signal;
    const write = createByteWriter({ io, json: changes.json ?? false, signal, style }, 'console');
    const text = `a\r\n${stderrMarkers.begin}b\u001b[2J\r\n${stderrMarkers.end}c\r\n`;
    for (const char of text) write(Buffer.from(char));
    stdout.end();
    return Buffer.concat(await stdout.toArray()).toString();
  };
  expect(await show({})).toBe('a\r\nb\u001b[2J\r\nc\r\n');
  expect(await show({ isTTY: true })).toContain('\u001b[31mb');
  expect(await show({ isTTY: true })).toContain('␛');
  expect(await show({ json: true })).toContain('{"text":"b","stream":"stderr"}');
});
