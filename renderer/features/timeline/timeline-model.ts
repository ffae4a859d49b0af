import type { BootTimeline, Mark, Phase, PhaseName } from '#shared/model/timeline.ts';
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

/** A mark with a name of its own: a guest may take the same mark twice. */
export type KeyedMark = Mark & { readonly key: string };

/**
 * A timeline as the drawing code wants it: times in typed arrays, sorted once.
 *
 * Shape: `markAtNs`, `markErrorNs` and `marks` run in parallel, ascending by time; `markRank` lists their indexes with
 * the ones most worth a label first, so that labels stay put while a person pans.
 */
export interface TimelineModel {
  readonly timeline: BootTimeline | null;
  readonly previous: BootTimeline | null;
  readonly segments: readonly Segment[];
  readonly ghost: readonly Segment[];
  readonly ahead: readonly Segment[];
  readonly marks: readonly KeyedMark[];
  readonly markAtNs: Float64Array;
  readonly markErrorNs: Float64Array;
  readonly markRank: Uint32Array;
  /** What a fit shows. */
  readonly fit: TimeWindow;
  /** All that happened, from what was done ahead to the end. */
  readonly reach: TimeWindow;
}

/** Beyond this many times the present run, the previous one is cut off in a fit: it would squash what is looked at. */
const ghostFitFactor = 1.6;
/** Room at both ends of a fit, as a share of it, so that the first and last edges can be seen. */
const fitMargin = 0.015;

/** Builds the model of a run and the run before it. */
export function buildModel(timeline: BootTimeline | null, previous: BootTimeline | null): TimelineModel {
  const marks = keyMarks([...(timeline?.marks ?? [])].sort((a, b) => a.atNs - b.atNs));
  const markAtNs = Float64Array.from(marks, (mark) => mark.atNs);
  const segments = toSegments(timeline?.phases ?? [], endErrorOf(timeline, marks));
  const ghost = toSegments(previous?.phases ?? [], endErrorOf(previous, previous?.marks ?? []));
  const ahead = toSegments(timeline?.ahead?.phases ?? [], 0);
  const fit = findFit(timeline, previous);
  return {
    timeline,
    previous,
    segments,
    ghost,
    ahead,
    marks,
    markAtNs,
    markErrorNs: Float64Array.from(marks, (mark) => mark.errorNs),
    markRank: rankMarks(markAtNs, segments),
    fit,
    reach: findReach(fit, timeline, previous, markAtNs),
  };
}

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
  const margin = Math.max(end, 1e3) * fitMargin;
  return { startNs: -margin, endNs: Math.max(end, 1e3) + margin };
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

/** As far as a person can pan and zoom out: all that happened and was sampled, and some air. */
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

/** The phase under way at an instant; null before the click, after the end, and where a phase has no length. */
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
