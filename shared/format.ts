/** Words for quantities, the same in the CLI and the app. */
import type { Bytes, Ns } from './model/units.ts';

const durationUnits = [
  { ns: 1, name: 'ns' },
  { ns: 1e3, name: 'µs' },
  { ns: 1e6, name: 'ms' },
  { ns: 1e9, name: 's' },
] as const;

/**
 * A length of time with three significant digits and its unit: `23.4 ms`, `1.55 s`, `312 µs`, `2 min 05 s`.
 *
 * Units: nanoseconds in. Zero is `0 ms`.
 */
export function formatDuration(value: Ns | number): string {
  const magnitude = Math.abs(value);
  const sign = value < 0 ? '−' : '';
  if (magnitude === 0) return '0 ms';
  if (magnitude >= 119.95e9) {
    const seconds = Math.round(magnitude / 1e9);
    return `${sign}${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
  }
  for (const [index, unit] of durationUnits.entries()) {
    const last = index === durationUnits.length - 1;
    // What rounds to 1000 of a unit is 1.00 of the next.
    if (!last && magnitude >= 999.5 * unit.ns) continue;
    const digits = unit.ns === 1 ? String(Math.round(magnitude)) : significant(magnitude / unit.ns);
    return `${sign}${digits} ${unit.name}`;
  }
  return `${sign}${magnitude} ns`;
}

/** A difference in time, with its sign always there: `+1.20 ms`, `−312 µs`, `±0 ms`. Units: nanoseconds in. */
export function formatDelta(value: Ns | number): string {
  if (value === 0) return '±0 ms';
  return value > 0 ? `+${formatDuration(value)}` : formatDuration(value);
}

/** `formatDuration` of milliseconds. */
export function formatMs(value: number): string {
  return formatDuration(value * 1e6);
}

const byteUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** A size with three significant digits and its unit: `12 B`, `1.38 MiB`. */
export function formatBytes(value: Bytes | number): string {
  let scaled = value;
  let unit = 0;
  while (scaled >= 999.5 && unit < byteUnits.length - 1) {
    scaled /= 1024;
    unit++;
  }
  return `${unit === 0 ? Math.round(scaled) : significant(scaled)} ${byteUnits[unit]}`;
}

/** Three significant digits without an exponent. */
function significant(value: number): string {
  if (value >= 99.95) return value.toFixed(0);
  if (value >= 9.995) return value.toFixed(1);
  return value.toFixed(2);
}
