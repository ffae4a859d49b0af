import type { Run, RunSummary } from '#shared/model/run.ts';

/** The verdict on a run against an earlier one. Units: ms; positive is slower. */
export interface Comparison {
  readonly deltaMs: number;
  /** What makes the two runs unlike, so that their difference is no verdict; null when they are alike. */
  readonly caveat: string | null;
  /** Differences up to this are noise. */
  readonly noiseMs: number;
  readonly verdict: 'faster' | 'slower' | 'same' | 'none';
}

/** Fewer earlier runs than this say nothing of how much a run varies. */
const fewestForNoise = 4;
/** A difference below this share of the total is never a verdict: two runs of one function differ that much anyway. */
const leastShare = 0.03;

/** What makes two runs unlike; null when only their time can differ. */
export function unlikeness(run: Run, other: Run): string | null {
  if (run.runtime !== other.runtime) return `${run.runtime} against ${other.runtime}`;
  if (run.startMode !== other.startMode) return `${run.startMode} against ${other.startMode}`;
  if (run.instance?.accel !== other.instance?.accel) return 'with another acceleration';
  return sameEvent(run, other) ? null : 'with another event';
}

export const sameEvent = (run: Pick<Run, 'event'>, other: Pick<Run, 'event'>): boolean =>
  JSON.stringify(run.event) === JSON.stringify(other.event);

/** How the shown run compares with the one drawn beneath it; null when either was not answered. */
export function compareRuns(run: Run | null, previous: Run | null, history: readonly RunSummary[]): Comparison | null {
  if (run?.outcome !== 'ok' || previous?.outcome !== 'ok') return null;
  if (!run.timeline?.complete || !previous.timeline?.complete) return null;
  const deltaMs = (run.timeline.totalNs - previous.timeline.totalNs) / 1e6;
  const caveat = unlikeness(run, previous);
  const totals = history
    .filter((entry) => entry.outcome === 'ok' && entry.runtime === run.runtime && entry.startMode === run.startMode)
    .flatMap((entry) => (entry.totalMs === null ? [] : [entry.totalMs]));
  const noiseMs = Math.max(spreadOf(totals), (leastShare * previous.timeline.totalNs) / 1e6);
  const beyond = Math.abs(deltaMs) > noiseMs;
  const verdict = caveat !== null ? 'none' : !beyond ? 'same' : deltaMs > 0 ? 'slower' : 'faster';
  return { deltaMs, caveat, noiseMs, verdict };
}

/** The middle half's width of some totals; 0 when there are too few. */
function spreadOf(totals: readonly number[]): number {
  if (totals.length < fewestForNoise) return 0;
  const sorted = [...totals].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? 0;
  return at(0.75) - at(0.25);
}
