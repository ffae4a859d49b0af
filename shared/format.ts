/**
 * Quantities as text, the same in the CLI and the window.
 *
 * A figure has three significant digits and its unit, and is not finer than its error: the last digit is at the place
 * where the error's first one is. A minus is U+2212.
 */
import type { Bytes, Ns } from './model/units.ts';

interface Unit {
  readonly size: number;
  readonly name: string;
}
const durationUnits: readonly Unit[] = [
  { size: 1, name: 'ns' },
  { size: 1e3, name: 'µs' },
  { size: 1e6, name: 'ms' },
  { size: 1e9, name: 's' },
];
const byteUnits: readonly Unit[] = ['B', 'KiB', 'MiB', 'GiB', 'TiB'].map((name, power) => ({
  size: 1024 ** power,
  name,
}));

/**
 * A length of time: `23.4 ms`, `1.55 s`, `312 µs`, `2 min 05 s`; `23 ms` when its error is 3 ms, `< 20 ms` when the error
 * leaves no digit.
 *
 * Units: nanoseconds in. Zero is `0 ms`.
 */
export function formatDuration(value: Ns | number, errorNs = 0): string {
  if (!Number.isFinite(value)) return '–';
  const rounded = roundToError(value, errorNs);
  if (rounded === 0) return value === 0 || errorNs === 0 ? '0 ms' : `< ${bounded(upperBound(value, errorNs))}`;
  return `${rounded < 0 ? '−' : ''}${unsigned(Math.abs(rounded), errorNs)}`;
}

/** A difference in time, always with its sign: `+1.20 ms`, `−312 µs`, `±0 ms`. Units: nanoseconds in. */
export function formatDelta(value: Ns | number, errorNs = 0): string {
  if (!Number.isFinite(value)) return '–';
  const rounded = roundToError(value, errorNs);
  if (rounded === 0) return '±0 ms';
  return `${rounded < 0 ? '−' : '+'}${unsigned(Math.abs(rounded), errorNs)}`;
}

/** A difference in time in words: `1.20 ms slower`, `no faster, no slower`; one within its error is `no certain change`. */
export function formatChange(value: Ns | number, errorNs = 0): string {
  if (value === 0) return 'no faster, no slower';
  if (Math.abs(value) <= errorNs) return 'no certain change';
  return `${formatDuration(Math.abs(value), errorNs)} ${value > 0 ? 'slower' : 'faster'}`;
}

/** `formatDuration` of milliseconds. */
export const formatMs = (value: number): string => formatDuration(value * 1e6);

/** An error bound: `± 0.3 ms` has the place of its first digit. Units: nanoseconds in. */
export const formatError = (errorNs: Ns | number): string =>
  errorNs === 0 ? '± 0 ms' : `± ${bounded(upperBound(0, errorNs))}`;

/** A number whose last digit is at the place of its error's first one: for figures that machines read. */
export function roundToError(value: number, error: number): number {
  if (!(error > 0)) return value;
  const place = 10 ** Math.floor(Math.log10(error) + 1e-9);
  const rounded = Math.round(value / place) * place;
  return place < 1 ? Number(rounded.toPrecision(15)) : rounded;
}

/** The least number of one digit that the value with its error does not exceed. */
function upperBound(value: number, error: number): number {
  const most = Math.abs(value) + error;
  const place = 10 ** Math.floor(Math.log10(most) + 1e-9);
  return Math.ceil(most / place - 1e-9) * place;
}

/** A bound, which has one digit. */
const bounded = (bound: number): string => unsigned(bound, bound);

function unsigned(magnitude: number, errorNs: number): string {
  if (magnitude >= 119.95e9) return minutes(magnitude);
  const { scaled, unit } = scale(durationUnits, magnitude);
  if (unit.size === 1) return `${Math.round(scaled)} ${unit.name}`;
  const decimals = Math.min(decimalsOf(scaled), errorNs > 0 ? decimalsAt(errorNs / unit.size) : 2);
  return `${scaled.toFixed(decimals)} ${unit.name}`;
}

function minutes(magnitude: number): string {
  const seconds = Math.round(magnitude / 1e9);
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
}

/** The unit of a written value: a value that rounds to 1000 of one unit is 1.00 of the next. */
function scale(units: readonly Unit[], value: number): { scaled: number; unit: Unit } {
  const unit = units.find(({ size }) => value < 999.5 * size) ?? (units.at(-1) as Unit);
  return { scaled: value / unit.size, unit };
}

/** Decimals that make three significant digits. */
const decimalsOf = (value: number): number => (value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2);
/** Decimals up to an error's first digit. */
const decimalsAt = (error: number): number => Math.max(0, -Math.floor(Math.log10(error) + 1e-9));

/** A size: `12 B`, `1.38 MiB`. */
export function formatBytes(value: Bytes | number): string {
  if (!Number.isFinite(value)) return '–';
  const { scaled, unit } = scale(byteUnits, value);
  return `${unit.size === 1 ? Math.round(scaled) : scaled.toFixed(decimalsOf(scaled))} ${unit.name}`;
}

/** Bytes per second: `1.38 MiB/s`. */
export const formatByteRate = (bytesPerSecond: number): string =>
  Number.isFinite(bytesPerSecond) ? `${formatBytes(bytesPerSecond)}/s` : '–';

/** A share given as a fraction of 1, with its error: `13.7 %`, `14 %`. */
export function formatPercent(fraction: number, error = 0): string {
  if (!Number.isFinite(fraction)) return '–';
  const percent = roundToError(fraction * 100, error * 100);
  const magnitude = Math.abs(percent);
  // A share below a thousandth cannot be read off a screen.
  if (magnitude < 0.0005) return '0 %';
  const significant = magnitude >= 99.95 ? 0 : 2 - Math.floor(Math.log10(magnitude) + 1e-9);
  const decimals = Math.min(significant, error > 0 ? decimalsAt(error * 100) : significant);
  const text = magnitude.toFixed(decimals);
  return `${percent < 0 ? '−' : ''}${magnitude < 0.01 ? String(Number(text)) : text} %`;
}

/** The format of an axis' ticks: one unit for all, as many decimals as the step needs. */
export interface TickFormat {
  readonly unit: string;
  readonly format: (ns: number) => string;
}

/** The tick format of a time axis. Units: `stepNs` between ticks, `reachNs` the greatest magnitude on the axis. */
export function timeTickFormat(stepNs: number, reachNs: number): TickFormat {
  const unit = durationUnits.findLast(({ size }) => reachNs >= size) ?? (durationUnits[0] as Unit);
  const decimals = Math.max(0, Math.ceil(-Math.log10(stepNs / unit.size) - 1e-9));
  return {
    unit: unit.name,
    format: (ns) => {
      const scaled = Math.abs(ns) / unit.size;
      const isZero = Number(scaled.toFixed(decimals)) === 0;
      return `${ns < 0 && !isZero ? '−' : ''}${isZero ? '0' : scaled.toFixed(decimals)} ${unit.name}`;
    },
  };
}
