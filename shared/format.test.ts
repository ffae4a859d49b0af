import { describe, expect, it } from 'vitest';
import { formatBytes, formatDelta, formatDuration, formatMs } from './format.ts';

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
