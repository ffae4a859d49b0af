/**
 * A span for a person: three significant digits, and always the unit.
 *
 * Units: takes ms; gives µs under 1 ms, s from 1,000 ms on.
 */
export function formatMs(ms: number): string {
  const size = Math.abs(ms);
  if (size === 0) return '0 ms';
  if (size < 0.9995) return `${digits(ms * 1000)} µs`;
  if (size < 999.5) return `${digits(ms)} ms`;
  if (size < 99_950) return `${digits(ms / 1000)} s`;
  return `${Math.round(ms / 1000).toLocaleString('en')} s`;
}

function digits(value: number): string {
  const size = Math.abs(value);
  if (size >= 99.95) return value.toFixed(0);
  return value.toFixed(size >= 9.995 ? 1 : 2);
}

/** A size for a person, in powers of 1,024. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1023.5 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value >= 9.95 ? value.toFixed(0) : value.toFixed(1)} ${units[unit]}`;
}

/** How long ago, in one unit. Units: both ms since the Unix epoch. */
export function formatAgo(atMs: number, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - atMs) / 1000));
  if (seconds < 5) return 'now';
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86_400)} d ago`;
}

/** The time of day to the second, here. */
export const formatClock = (iso: string): string => new Date(iso).toLocaleTimeString('en-GB');

/** The difference of two spans with its sign. Units: ms. */
export function formatDelta(ms: number): string {
  const text = formatMs(Math.abs(ms));
  return `${ms < 0 ? '−' : '+'}${text}`;
}
