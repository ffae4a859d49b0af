import { expect, it } from 'vitest';
import { createLineTimes, formatTime } from './line-times.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (all: Uint8Array) => new TextDecoder().decode(all);
const stamp = (atMs: number) => `\u001b[2m${formatTime(atMs)}\u001b[22m `;

it('puts the time before each line once, however the output is cut', () => {
  const times = createLineTimes();
  expect(text(times.push(bytes('one\r\ntwo'), 1_000))).toBe(`${stamp(1_000)}one\r\n${stamp(1_000)}two`);
  expect(text(times.push(bytes(' goes on\n'), 2_000))).toBe(' goes on\n');
  expect(text(times.push(bytes('three'), 3_000))).toBe(`${stamp(3_000)}three`);
});

it('leaves the bytes themselves as they are', () => {
  const all = Uint8Array.from({ length: 256 }, (_, value) => value);
  const out = createLineTimes().push(all, 0);
  expect([...out].slice(-245)).toEqual([...all].slice(-245));
});
