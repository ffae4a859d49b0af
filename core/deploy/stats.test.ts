import { expect, it } from 'vitest';
import { readQuantity } from './stats.ts';

it.each([
  ['123456789n', 0.123456789],
  ['250u', 0.00025],
  ['5m', 0.005],
  ['2', 2],
  ['0.5', 0.5],
  ['1e3', 1000],
  ['64Ki', 65536],
  ['1.5Mi', 1572864],
  ['3M', 3e6],
])('reads the quantity %s', (text, value) => {
  expect(readQuantity(text)).toBeCloseTo(value, 12);
});

it('takes nothing else for a quantity', () => {
  for (const text of ['', 'x', '1Xi', '-1', '1 Ki']) expect(readQuantity(text)).toBeNaN();
});
