/**
 * Quantities as a person reads them: three significant digits, the unit always there.
 *
 * A minus is U+2212 and the space before a unit is U+00A0, so that numbers line up and never break.
 */

const nbsp = '\u00a0';
const minus = '\u2212';

interface Unit {
  readonly name: string;
  readonly size: number;
}

const timeUnits: readonly Unit[] = [
  { name: 'ns', size: 1 },
  { name: 'µs', size: 1e3 },
  { name: 'ms', size: 1e6 },
  { name: 's', size: 1e9 },
];

const byteUnits: readonly Unit[] = [
  { name: 'B', size: 1 },
  { name: 'KiB', size: 1024 },
  { name: 'MiB', size: 1024 ** 2 },
  { name: 'GiB', size: 1024 ** 3 },
  { name: 'TiB', size: 1024 ** 4 },
];

/** Three significant digits without exponent: `0.512`, `23.4`, `420`, `1,230`. */
function formatNumber(value: number): string {
  if (value === 0) return '0';
  const magnitude = Math.abs(value);
  if (magnitude >= 999.5) return sign(value) + Math.round(magnitude).toLocaleString('en-US');
  // Below a thousandth nothing can be read off a screen.
  if (magnitude < 0.0005) return '0';
  const text = magnitude.toPrecision(3);
  return sign(value) + (magnitude < 0.01 ? String(Number(text)) : text);
}

const sign = (value: number) => (value < 0 ? minus : '');

function formatIn(units: readonly Unit[], value: number, zeroUnit: string): string {
  if (!Number.isFinite(value)) return '–';
  if (value === 0) return `0${nbsp}${zeroUnit}`;
  const magnitude = Math.abs(value);
  // A value that rounds up to 1,000 (1,024) of a unit belongs to the next one: 999.6 µs reads 1.00 ms.
  const step = (units[1] as Unit).size;
  const unit = units.find(({ size }) => magnitude / size < step - 0.5) ?? (units.at(-1) as Unit);
  const scaled = magnitude / unit.size;
  const digits = unit.size === 1 && Number.isInteger(value) ? String(scaled) : formatNumber(scaled);
  return `${sign(value)}${digits}${nbsp}${unit.name}`;
}

/** A span or instant given in nanoseconds: `512 ns`, `3.10 µs`, `23.4 ms`, `1.23 s`. */
export const formatNs = (ns: number): string => formatIn(timeUnits, ns, 'ms');

/** A difference in nanoseconds with its sign always there: `+1.20 ms`, `−310 µs`, `±0 ms`. */
export function formatNsDelta(ns: number): string {
  if (ns === 0) return `±0${nbsp}ms`;
  return ns > 0 ? `+${formatNs(ns)}` : formatNs(ns);
}

/** A difference in nanoseconds in words: `1.20 ms slower`, `310 µs faster`, `no faster, no slower`. */
export function formatNsChange(ns: number): string {
  if (ns === 0) return 'no faster, no slower';
  return `${formatNs(Math.abs(ns))} ${ns > 0 ? 'slower' : 'faster'}`;
}

/** A size in bytes with binary units: `12 B`, `1.38 MiB`. */
export const formatBytes = (bytes: number): string => formatIn(byteUnits, bytes, 'B');

/** Bytes per second: `1.38 MiB/s`. */
export const formatByteRate = (bytesPerSecond: number): string =>
  Number.isFinite(bytesPerSecond) ? `${formatIn(byteUnits, fractionless(bytesPerSecond), 'B')}/s` : '–';

const fractionless = (value: number) => (Math.abs(value) < 1024 ? Math.round(value) : value);

/** A share given as a fraction of 1: `13.7 %`. */
export const formatPercent = (fraction: number): string =>
  Number.isFinite(fraction) ? `${formatNumber(Number((fraction * 100).toPrecision(3)))}${nbsp}%` : '–';

/** How an axis writes its ticks: one unit for all, as many decimals as the step needs. */
export interface TickFormat {
  readonly unit: string;
  readonly format: (ns: number) => string;
}

/** The tick format of a time axis. Units: `stepNs` between ticks, `reachNs` the greatest magnitude on the axis. */
export function timeTickFormat(stepNs: number, reachNs: number): TickFormat {
  const unit = timeUnits.findLast(({ size }) => reachNs >= size) ?? (timeUnits[0] as Unit);
  const decimals = Math.max(0, Math.ceil(-Math.log10(stepNs / unit.size) - 1e-9));
  return {
    unit: unit.name,
    format: (ns) => {
      const scaled = Math.abs(ns) / unit.size;
      const isZero = Number(scaled.toFixed(decimals)) === 0;
      return `${isZero ? '' : sign(ns)}${isZero ? '0' : scaled.toFixed(decimals)}${nbsp}${unit.name}`;
    },
  };
}
