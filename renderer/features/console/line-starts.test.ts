import { expect, it } from 'vitest';
import { stderrMarkers } from '#shared/console-streams.ts';
import { createLineStarts, formatTime } from './line-starts.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (all: Uint8Array) => new TextDecoder().decode(all);
const stamp = (atMs: number) => `\u001b[2m${formatTime(atMs)}\u001b[22m `;
const { begin, end } = stderrMarkers;

it('puts the time before each line once, however the output is cut', () => {
  const lines = createLineStarts({ hasTimes: true });
  expect(text(lines.push(bytes('one\r\ntwo'), 1_000))).toBe(`${stamp(1_000)}one\r\n${stamp(1_000)}two`);
  expect(text(lines.push(bytes(' goes on\n'), 2_000))).toBe(' goes on\n');
  expect(text(lines.push(bytes('three'), 3_000))).toBe(`${stamp(3_000)}three`);
});

it('puts a word and a colour before each line on stderr, however the output is cut', () => {
  const output = `one\r\n${begin}two\r\nthree\r\n${end}four ${begin}five\r\n${end}six`;
  const shown = `one\r\n${begin}stderr two\r\nstderr three\r\n${end}four ${begin}five\r\n${end}six`;
  expect(text(createLineStarts({ hasTimes: false }).push(bytes(output), 0))).toBe(shown);
  const lines = createLineStarts({ hasTimes: false });
  expect([...output].map((char) => text(lines.push(bytes(char), 0))).join('')).toBe(shown);
  const withTime = createLineStarts({ hasTimes: true }).push(bytes(`${begin}two\r\n${end}`), 1_000);
  expect(text(withTime)).toBe(`${begin}${stamp(1_000)}stderr two\r\n`);
});

it('leaves the bytes themselves as they are', () => {
  const all = Uint8Array.from({ length: 256 }, (_, value) => value);
  expect([...createLineStarts({ hasTimes: false }).push(all, 0)]).toEqual([...all]);
});
