import { expect, it } from 'vitest';
import { type ConsoleStream, createStreamReader, stderrMarkers, withoutMarkers } from './console-streams.ts';

const { begin, end } = stderrMarkers;
const text = `one\r\n${begin}two\r\n${end}\u001b[31mthree\u001b[39m\r\n${begin}four\r\n${end}\u001b[3`;

it('tells the streams apart however the bytes are cut, and leaves other colours alone', () => {
  for (let size = 1; size <= text.length; size++) {
    const reader = createStreamReader();
    const seen: Record<ConsoleStream, string> = { stdout: '', stderr: '' };
    const add = (pieces: ReturnType<typeof reader.push>) => {
      for (const { stream, bytes } of pieces) seen[stream] += Buffer.from(bytes).toString();
    };
    for (let at = 0; at < text.length; at += size) add(reader.push(Buffer.from(text.slice(at, at + size))));
    add(reader.end());
    expect(seen, `in pieces of ${size}`).toEqual({
      stdout: 'one\r\n\u001b[31mthree\u001b[39m\r\n\u001b[3',
      stderr: 'two\r\nfour\r\n',
    });
  }
});

it('passes on at once what can begin no marker', () => {
  const reader = createStreamReader();
  expect(reader.push(Buffer.from('a prompt> ')).map(({ bytes }) => Buffer.from(bytes).toString())).toEqual([
    'a prompt> ',
  ]);
  expect(reader.end()).toEqual([]);
});

it('removes the markers from text', () => {
  expect(withoutMarkers(text)).toBe('one\r\ntwo\r\n\u001b[31mthree\u001b[39m\r\nfour\r\n\u001b[3');
});
