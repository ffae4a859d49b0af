import type { Comparison } from '#shared/model/series.ts';
import type { BootTimeline, Mark, Phase, PhaseName } from '#shared/model/timeline.ts';
import { restoreOf } from '#shared/timeline/index.ts';
import { lowerBound } from '../../ui/instrument-rates.ts';
import type { TimeWindow } from './time-scale.ts';

/** A phase ready to draw. Units: ns from the click; `errorNs` bounds the starting edge, `endErrorNs` the other. */
export interface Segment {
  readonly name: PhaseName;
  readonly startNs: number;
  readonly endNs: number;
  readonly errorNs: number;
  readonly endErrorNs: number;
}

/**
 * The lengths of a phase in the baseline's runs, at the place of the phase in this run.
 *
 * Units: ns; `lowNs` and `highNs` are the 5th and 95th percentile of its length, `errorNs` bounds each of the lengths.
 */
export interface PhaseSpread {
  readonly name: PhaseName;
  readonly startNs: number;
  readonly lowNs: number;
  readonly medianNs: number;
  readonly highNs: number;
  readonly errorNs: number;
}

/** The input of the view: a run, the baseline's run drawn beneath it, and the run's comparison with the baseline. */
export interface TimelineInput {
  readonly timeline: BootTimeline | null;
  readonly previous: BootTimeline | null;
  readonly comparison?: Comparison | null;
  /** True while the run is in progress: its timeline ends at the present instant. */
  readonly underWay?: boolean;
}

/** A mark with a unique name: a guest may take the same mark twice. */
export type KeyedMark = Mark & { readonly key: string };

/**
 * A timeline in the form for the drawing code: times in typed arrays, sorted once.
 *
 * Shape: `markAtNs`, `markErrorNs` and `marks` run in parallel, ascending by time; `markRank` lists their indexes with
 * the ones most worth a label first, so that labels stay in place while a person pans.
 */
export interface TimelineModel {
  readonly timeline: BootTimeline | null;
  readonly previous: BootTimeline | null;
  readonly comparison: Comparison | null;
  readonly underWay: boolean;
  readonly segments: readonly Segment[];
  /** The phases of the baseline; empty where it has fewer than two runs (rule TL-E3). */
  readonly spread: readonly PhaseSpread[];
  readonly ghost: readonly Segment[];
  readonly ahead: readonly Segment[];
  /** The load of a saved guest, a part of `vmm`; null in other starts (rule TL-15). */
  readonly restore: Segment | null;
  readonly marks: readonly KeyedMark[];
  readonly markAtNs: Float64Array;
  readonly markErrorNs: Float64Array;
  readonly markRank: Uint32Array;
  /** The window that fits the run. */
  readonly fit: TimeWindow;
  /** The whole timeline, from the work done ahead to the end. */
  readonly reach: TimeWindow;
}

/** The previous run is cut off in a fit when it is this many times longer than the shown one, which would get too small. */
const ghostFitFactor = 1.6;
/** Room at both ends of a fit, as a share of it, so that the first and last edges are visible. */
const fitMargin = 0.015;

/** The model of a run and its baseline. */
export function buildModel({ timeline, previous, comparison = null, underWay = false }: TimelineInput): TimelineModel {
  const marks = keyMarks([...(timeline?.marks ?? [])].sort((a, b) => a.atNs - b.atNs));
  const markAtNs = Float64Array.from(marks, (mark) => mark.atNs);
  const segments = toSegments(timeline?.phases ?? [], endErrorOf(timeline, marks));
  const ghost = toSegments(previous?.phases ?? [], endErrorOf(previous, previous?.marks ?? []));
  const ahead = toSegments(timeline?.ahead?.phases ?? [], 0);
  const fit = underWay ? findGrowingFit(timeline, previous) : findFit(timeline, previous);
  return {
    timeline,
    previous,
    comparison,
    underWay,
    segments,
    spread: comparison === null ? [] : findSpread(segments, comparison),
    ghost,
    ahead,
    restore: toRestore(timeline),
    marks,
    markAtNs,
    markErrorNs: Float64Array.from(marks, (mark) => mark.errorNs),
    markRank: rankMarks(markAtNs, segments),
    fit,
    reach: findReach(fit, timeline, previous, markAtNs),
  };
}

function toRestore(timeline: BootTimeline | null): Segment | null {
  const found = timeline && restoreOf(timeline);
  if (found === null) return null;
  const { startNs, durationNs, errorNs } = found;
  return { name: 'vmm', startNs, endNs: startNs + durationNs, errorNs, endErrorNs: errorNs };
}

function findSpread(segments: readonly Segment[], { baseline }: Comparison): PhaseSpread[] {
  if (baseline.total.count < 2) return [];
  return segments.flatMap(({ name, startNs }) => {
    const spread = baseline.phases[name];
    if (spread === undefined) return [];
    const [lowNs, medianNs, highNs, errorNs] = [spread.p5, spread.median, spread.p95, spread.error].map(msToNs);
    return [{ name, startNs, lowNs, medianNs, highNs, errorNs } as PhaseSpread];
  });
}

const msToNs = (ms: number): number => Math.round(ms * 1e6);

function keyMarks(marks: readonly Mark[]): KeyedMark[] {
  const seen = new Map<string, number>();
  return marks.map((mark) => {
    const nth = seen.get(mark.name) ?? 0;
    seen.set(mark.name, nth + 1);
    return { ...mark, key: `${mark.name} ${nth}` };
  });
}

function toSegments(phases: readonly Phase[], lastErrorNs: number): Segment[] {
  return phases.map((phase, index) => ({
    name: phase.name,
    startNs: phase.startNs,
    endNs: phase.startNs + phase.durationNs,
    errorNs: phase.errorNs,
    endErrorNs: phases[index + 1]?.errorNs ?? lastErrorNs,
  }));
}

/** The end of the last phase is a mark too: its error bound is that mark's. */
export function endErrorOf(timeline: BootTimeline | null, marks: readonly Mark[]): number {
  return marks.find((mark) => mark.atNs === timeline?.totalNs)?.errorNs ?? 0;
}

function findFit(timeline: BootTimeline | null, previous: BootTimeline | null): TimeWindow {
  const own = timeline?.totalNs ?? 0;
  const before = previous?.totalNs ?? 0;
  const end = own === 0 || before <= own * ghostFitFactor ? Math.max(own, before) : own;
  return withMargin(end);
}

/** The window of a run in progress: as wide as the run before it, and never filled, so that the bar visibly grows. */
function findGrowingFit(timeline: BootTimeline | null, previous: BootTimeline | null): TimeWindow {
  const own = timeline?.totalNs ?? 0;
  const before = previous?.totalNs ?? 0;
  if (own < before) return withMargin(before);
  const power = 10 ** Math.floor(Math.log10(Math.max(own, leastGrowingNs)));
  const steps = [1, 2, 5, 10].map((step) => step * power);
  return withMargin(steps.find((step) => step > Math.max(own, leastGrowingNs) * 1.05) ?? own * 2);
}

/** The shortest axis of a run in progress without a run before it. */
const leastGrowingNs = 50e6;

function withMargin(endNs: number): TimeWindow {
  const end = Math.max(endNs, 1e3);
  const margin = end * fitMargin;
  return { startNs: -margin, endNs: end + margin };
}

function findReach(
  fit: TimeWindow,
  timeline: BootTimeline | null,
  previous: BootTimeline | null,
  markAtNs: Float64Array,
): TimeWindow {
  return {
    startNs: Math.min(fit.startNs, timeline?.ahead?.startNs ?? 0, markAtNs[0] ?? 0),
    endNs: Math.max(fit.endNs, previous?.totalNs ?? 0, markAtNs.at(-1) ?? 0),
  };
}

/** The window that a person can pan and zoom out to: the whole timeline and all samples, with a margin. */
export function findBounds({ fit, reach }: TimelineModel, sampled: TimeWindow | null): TimeWindow {
  const margin = (fit.endNs - fit.startNs) * 0.25;
  return {
    startNs: Math.min(reach.startNs, sampled?.startNs ?? 0) - margin,
    endNs: Math.max(reach.endNs, sampled?.endNs ?? 0) + margin,
  };
}

/** Marks that open a phase come first, then those with the most room around them. */
function rankMarks(atNs: Float64Array, segments: readonly Segment[]): Uint32Array {
  const edges = new Set<number>();
  for (const segment of segments) edges.add(segment.startNs).add(segment.endNs);
  const worth = new Float64Array(atNs.length);
  for (let i = 0; i < atNs.length; i++) {
    const here = atNs[i] as number;
    const before = i === 0 ? Number.POSITIVE_INFINITY : here - (atNs[i - 1] as number);
    const after = i === atNs.length - 1 ? Number.POSITIVE_INFINITY : (atNs[i + 1] as number) - here;
    worth[i] = edges.has(here) ? Number.MAX_VALUE : Math.min(before, after, Number.MAX_VALUE / 2);
  }
  return Uint32Array.from(worth.keys()).sort((a, b) => (worth[b] as number) - (worth[a] as number) || a - b);
}

/** The marks within a stretch. Shape: `[from, to)` indexes into `marks`. */
export function marksWithin(model: TimelineModel, startNs: number, endNs: number): readonly [from: number, to: number] {
  const from = lowerBound(model.markAtNs, startNs);
  let to = lowerBound(model.markAtNs, endNs);
  while (to < model.marks.length && model.markAtNs[to] === endNs) to++;
  return [from, to];
}

/** The phase in progress at an instant; null before the click, after the end, and where a phase has no length. */
export function phaseAt(segments: readonly Segment[], atNs: number): Segment | null {
  return segments.find((segment) => atNs >= segment.startNs && atNs < segment.endNs) ?? null;
}

/** The length of a phase; 0 when the run has no such phase. */
export function durationOf(segments: readonly Segment[], name: PhaseName): number {
  const segment = segments.find((candidate) => candidate.name === name);
  return segment === undefined ? 0 : segment.endNs - segment.startNs;
}

/** A phase's part of the total as a fraction; 0 for a total of 0. */
export function shareOf(model: TimelineModel, segment: Segment): number {
  const total = model.timeline?.totalNs ?? 0;
  return total === 0 ? 0 : (segment.endNs - segment.startNs) / total;
}
