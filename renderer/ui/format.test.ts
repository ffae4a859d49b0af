import { describe, expect, it } from 'vitest';
import { formatAgo, formatBytes, formatDelta, formatMs } from './format.ts';

describe('formatMs', () => {
  it.each([
    [0, '0 ms'],
    [0.0423, '42.3 µs'],
    [0.9994, '999 µs'],
    [0.99999, '1.00 ms'],
    [1, '1.00 ms'],
    [9.996, '10.0 ms'],
    [23.44, '23.4 ms'],
    [99.96, '100 ms'],
    [312.4, '312 ms'],
    [999.6, '1.00 s'],
    [44_000, '44.0 s'],
    [123_456, '2 min 03 s'],
  ])('%d ms is %s', (ms, text) => expect(formatMs(ms)).toBe(text));
});

describe('formatBytes', () => {
  it.each([
    [12, '12 B'],
    [1024, '1.00 KiB'],
    [1_447_034, '1.38 MiB'],
    [42_991_616, '41.0 MiB'],
  ])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));
});

it('says how long ago in one unit', () => {
  expect(formatAgo(0, 2_000)).toBe('now');
  expect(formatAgo(0, 61_000)).toBe('1 min ago');
  expect(formatAgo(0, 7_200_000)).toBe('2 h ago');
});

it('signs a difference', () => {
  expect(formatDelta(-1.5)).toBe('−1.50 ms');
  expect(formatDelta(1.5)).toBe('+1.50 ms');
});
