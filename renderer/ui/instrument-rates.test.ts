import { expect, it } from 'vitest';
import { boundRates, counterRates, greatest, lowerBound, sparseRates } from './instrument-rates.ts';

const list = (...values: number[]) => Float64Array.from(values);

it('turns counters into rates per second', () => {
  expect([...counterRates(list(0, 500, 1000), list(0, 100, 400))]).toEqual([Number.NaN, 200, 600]);
});

it('does not know a rate where a counter fell or time stood still', () => {
  expect([...counterRates(list(0, 1000, 1000, 2000), list(50, 10, 20, 30))]).toEqual([
    Number.NaN,
    Number.NaN,
    Number.NaN,
    10,
  ]);
});

it('spreads what a counter grew by over the entries since it was read before', () => {
  const readAtMs = list(0, 0, 0, 1000, 1000, 3000, 3000);
  const totals = list(0, 0, 0, 500, 500, 1500, 1500);
  const unknown = Number.NaN;
  expect([...sparseRates(readAtMs, totals)]).toEqual([unknown, 500, 500, 500, 500, 500, unknown]);
  expect([...sparseRates(list(0, 500, 1000), list(0, 100, 400))]).toEqual([unknown, 200, 600]);
});

it('finds the first entry that is not below a target', () => {
  expect([0, 1, 2, 3, 4].map((target) => lowerBound(list(1, 2, 2, 3), target))).toEqual([0, 0, 1, 3, 4]);
});

it('leaves unknown entries out of the greatest', () => {
  expect(greatest(list(Number.NaN, 3, 2), 1)).toBe(3);
  expect(greatest(list(Number.NaN), 1)).toBe(1);
});

it('averages a stretch above the ceiling with those before it, and keeps the amount', () => {
  const at = Float64Array.of(0, 100, 110, 120);
  const bounded = boundRates(at, Float64Array.of(Number.NaN, 0.5, 3.11, 1), 2);
  expect([...bounded].slice(1)).toEqual([expect.closeTo(0.737, 3), expect.closeTo(0.737, 3), 1]);
  expect((bounded[1] as number) * 100 + (bounded[2] as number) * 10).toBeCloseTo(81.1);
});

it('cuts what is above the ceiling where nothing is known before', () => {
  expect([...boundRates(Float64Array.of(0, 10), Float64Array.of(Number.NaN, 3), 2)][1]).toBe(2);
});
