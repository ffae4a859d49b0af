import { describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatChange,
  formatDelta,
  formatDuration,
  formatError,
  formatMs,
  formatPercent,
  roundToError,
} from './format.ts';

describe('formatDuration', () => {
  it.each([
    [0, '0 ms'],
    [1, '1 ns'],
    [999, '999 ns'],
    [999.6, '1.00 µs'],
    [312_000, '312 µs'],
    [999_499, '999 µs'],
    [999_500, '1.00 ms'],
    [1_234_000, '1.23 ms'],
    [9_996_000, '10.0 ms'],
    [23_400_000, '23.4 ms'],
    [99_960_000, '100 ms'],
    [1_550_000_000, '1.55 s'],
    [75_000_000_000, '75.0 s'],
    [119_900_000_000, '120 s'],
    [125_000_000_000, '2 min 05 s'],
    [-2_500_000, '−2.50 ms'],
  ])('writes %d ns as %s', (value, text) => expect(formatDuration(value)).toBe(text));

  it('writes milliseconds and differences', () => {
    expect(formatMs(23.44)).toBe('23.4 ms');
    expect(formatDelta(1_200_000)).toBe('+1.20 ms');
    expect(formatDelta(-312_000)).toBe('−312 µs');
    expect(formatDelta(0)).toBe('±0 ms');
  });
});

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [12, '12 B'],
    [1023, '1.00 KiB'],
    [1_447_034, '1.38 MiB'],
    [67_108_864, '64.0 MiB'],
    [1_073_741_824, '1.00 GiB'],
  ])('writes %d as %s', (value, text) => expect(formatBytes(value)).toBe(text));
});

describe('a figure with an error', () => {
  it.each([
    [23_412_345, 0, '23.4 ms'],
    [23_412_345, 40_000, '23.4 ms'],
    [23_412_345, 300_000, '23.4 ms'],
    [23_412_345, 3_000_000, '23 ms'],
    [23_412_345, 15_000_000, '20 ms'],
    [1_302_000_000, 300_000_000, '1.3 s'],
    [3_100_000, 15_000_000, '< 20 ms'],
    [312_400, 1_000_000, '< 2 ms'],
    [0, 1_000_000, '0 ms'],
    [999_600, 100_000, '1.0 ms'],
    [-23_412_345, 3_000_000, '−23 ms'],
  ])('%d ± %d ns is written as %s: digits end where the error begins', (value, error, text) =>
    expect(formatDuration(value, error)).toBe(text),
  );

  it('is so in differences, shares, errors and numbers for machines', () => {
    expect(formatDelta(1_234_000, 200_000)).toBe('+1.2 ms');
    expect(formatDelta(-40_000, 200_000)).toBe('±0 ms');
    expect(formatChange(-1_234_000, 200_000)).toBe('1.2 ms faster');
    expect(formatChange(150_000, 200_000)).toBe('no certain change');
    expect(formatPercent(0.13712, 0.02)).toBe('14 %');
    expect(formatPercent(0.13712)).toBe('13.7 %');
    expect([0, 342_000, 1_000_000].map((error) => formatError(error))).toEqual(['± 0 ms', '± 400 µs', '± 1 ms']);
    expect([roundToError(23.412345, 0.3), roundToError(23.412345, 0), roundToError(23.4, 15)]).toEqual([
      23.4, 23.412345, 20,
    ]);
  });
});
