/** Quantities on the instruments: those of `shared/format`, whose spaces never break (U+00A0), so that figures line up. */
import * as shared from '#shared/format.ts';

const unbroken = (text: string): string => text.replaceAll(' ', '\u00a0');

/** A span or instant with its error. Units: ns. */
export const formatNs = (ns: number, errorNs = 0): string => unbroken(shared.formatDuration(ns, errorNs));
/** A difference with its sign. Units: ns. */
export const formatNsDelta = (ns: number, errorNs = 0): string => unbroken(shared.formatDelta(ns, errorNs));
/** An error bound with its `±`. Units: ns. */
export const formatNsError = (errorNs: number): string => unbroken(shared.formatError(errorNs));
/** A difference in words, which may wrap. Units: ns. */
export const formatNsChange = (ns: number, errorNs = 0): string =>
  shared.formatChange(ns, errorNs).replace(/(\d) /, '$1\u00a0');
export const formatBytes = (bytes: number): string => unbroken(shared.formatBytes(bytes));
export const formatByteRate = (bytesPerSecond: number): string => unbroken(shared.formatByteRate(bytesPerSecond));
/** A share, given as a fraction of 1, with its error. */
export const formatPercent = (fraction: number, error = 0): string => unbroken(shared.formatPercent(fraction, error));

/** The tick format of a time axis. Units: ns. */
export function timeTickFormat(stepNs: number, reachNs: number): shared.TickFormat {
  const { unit, format } = shared.timeTickFormat(stepNs, reachNs);
  return { unit, format: (ns) => unbroken(format(ns)) };
}
