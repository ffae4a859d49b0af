import { describe, expect, it } from 'vitest';
import {
  formatByteRate,
  formatBytes,
  formatNs,
  formatNsChange,
  formatNsDelta,
  formatPercent,
  timeTickFormat,
} from './instrument-format.ts';

const plain = (text: string) => text.replaceAll('\u00a0', ' ');

describe('quantities', () => {
  it.each([
    [0, '0 ms'],
    [7, '7 ns'],
    [999, '999 ns'],
    [3_100, '3.10 µs'],
    [999_600, '1.00 ms'],
    [23_412_345, '23.4 ms'],
    [420_000_000, '420 ms'],
    [1_234_000_000, '1.23 s'],
    [41_200_000_000, '41.2 s'],
    [3_600_000_000_000, '60 min 00 s'],
    [-310_000, '−310 µs'],
  ])('writes %d ns with three significant digits', (ns, text) => {
    expect(plain(formatNs(ns))).toBe(text);
  });

  it('always signs a difference', () => {
    expect([0, 1.2e6, -310e3].map((ns) => plain(formatNsDelta(ns)))).toEqual(['±0 ms', '+1.20 ms', '−310 µs']);
  });

  it('writes sizes, rates and shares with their unit', () => {
    expect([0, 12, 1447034, 1024 ** 3].map((n) => plain(formatBytes(n)))).toEqual([
      '0 B',
      '12 B',
      '1.38 MiB',
      '1.00 GiB',
    ]);
    expect([0, 12.4, 1536].map((n) => plain(formatByteRate(n)))).toEqual(['0 B/s', '12 B/s', '1.50 KiB/s']);
    expect([0, 0.137, 1, 0.00001].map((n) => plain(formatPercent(n)))).toEqual(['0 %', '13.7 %', '100 %', '0.001 %']);
    expect([formatBytes(Number.NaN), formatPercent(Number.NaN), formatByteRate(Number.NaN)]).toEqual(['–', '–', '–']);
  });

  it('gives all ticks of an axis one unit and the decimals their step needs', () => {
    const format = (step: number, reach: number, ns: number) => plain(timeTickFormat(step, reach).format(ns));
    expect(format(5e6, 23e6, 5e6)).toBe('5 ms');
    expect(format(2e3, 23.4e6, 23_412_000)).toBe('23.412 ms');
    expect(format(200e6, 2e9, 400e6)).toBe('0.4 s');
    expect(format(5e6, 23e6, -5e6)).toBe('−5 ms');
    expect(format(1, 90, 0)).toBe('0 ns');
  });
});

it('says a change in words', () => {
  expect(formatNsChange(1_200_000)).toBe('1.20\u00a0ms slower');
  expect(formatNsChange(-310_000)).toBe('310\u00a0µs faster');
  expect(formatNsChange(0)).toBe('no faster, no slower');
});
