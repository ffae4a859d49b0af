/** Quantities as text outside of the instruments. `shared/format` writes sizes and times. */
import { formatDelta as formatDeltaNs } from '#shared/format.ts';

export { formatBytes, formatMs } from '#shared/format.ts';

/** The age of an instant, in one unit. Units: both ms since the Unix epoch. */
export function formatAgo(atMs: number, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - atMs) / 1000));
  if (seconds < 5) return 'now';
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86_400)} d ago`;
}

/** The local time of day to the second. */
export const formatClock = (iso: string): string => new Date(iso).toLocaleTimeString('en-GB');

/** The difference of two spans with its sign. Units: ms. */
export const formatDelta = (ms: number): string => formatDeltaNs(ms * 1e6);
