import { expect, it } from 'vitest';
import { appendLog, noLog } from './log-text.ts';

it('keeps the last lines whole, and counts those that made room', () => {
  const lines = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, index) => `line ${from + index}\n`).join('');
  const first = appendLog(noLog, lines(0, 2000));
  expect(first.leftOut).toBe(0);
  const second = appendLog(first, `${lines(2000, 2003)}and a pa`);
  expect(second.leftOut).toBe(3);
  expect(second.text.startsWith('line 3\n')).toBe(true);
  expect(appendLog(second, 'rt\n').text.endsWith('and a part\n')).toBe(true);
});
