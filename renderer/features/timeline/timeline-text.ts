import { type BootTimeline, type Mark, type PhaseName, startTitle } from '#shared/model/timeline.ts';
import { describeComparison, roundComparison, roundTimeline } from '#shared/timeline/index.ts';
import { formatNs, formatNsDelta, formatNsError, formatPercent } from '../../ui/instrument-format.ts';
import { changeError, instantError, lengthText, shareText, spreadText, totalText } from './figures.ts';
import type { TimeWindow } from './time-scale.ts';
import { durationOf, phaseAt, type Segment, type TimelineModel } from './timeline-model.ts';

/** The observer, clock and error of a mark: `guest, guest-tsc clock, ± 40.0 µs`. */
export const describeSource = (mark: Mark): string =>
  `${mark.source}, ${mark.clock} clock, ${formatNsError(mark.errorNs)}`;

/** The comparison of a phase with the previous run's; null without a previous run, or when one never reached it. */
export function changeOf(model: TimelineModel, segment: Segment): number | null {
  if (!hasReached(model.timeline, model.segments, segment.name)) return null;
  if (!hasReached(model.previous, model.ghost, segment.name)) return null;
  return durationOf(model.segments, segment.name) - durationOf(model.ghost, segment.name);
}

function hasReached(timeline: BootTimeline | null, segments: readonly Segment[], name: PhaseName): boolean {
  if (timeline === null) return false;
  return timeline.complete || segments.some((segment) => segment.name === name && segment.startNs < timeline.totalNs);
}

/** The timeline in a sentence, for its accessible name. */
export function describeTimeline(model: TimelineModel): string {
  const { timeline } = model;
  if (timeline === null) return 'Cold start timeline: no run yet';
  const outcome = model.underWay ? 'so far' : timeline.complete ? 'total' : 'ended without a response after';
  const phases = model.segments
    .filter((segment) => segment.endNs > segment.startNs)
    .map((segment) => {
      const restore = segment.name === 'vmm' ? restoreText(model) : null;
      return `${segment.name} ${lengthText(segment)}${restore === null ? '' : ` (of it restore ${restore})`}`;
    });
  const compared = model.comparison === null ? '' : `; ${describeComparison(model.comparison)}`;
  return `Cold start timeline, ${outcome} ${totalText(timeline)}: ${phases.join(', ')}${compared}`;
}

/** The length of the load of a saved guest; null in other starts. */
export function restoreText({ restore }: TimelineModel): string | null {
  return restore && formatNs(restore.endNs - restore.startNs, restore.errorNs);
}

/** A measured span with its part of the total. */
export function describeRange(model: TimelineModel, { startNs, endNs }: TimeWindow): string {
  const total = model.timeline?.totalNs ?? 0;
  const errorNs = instantError(model, startNs) + instantError(model, endNs);
  const span = formatNs(endNs - startNs, errorNs);
  return total === 0 ? span : `${span}, ${formatPercent((endNs - startNs) / total, errorNs / total)} of the total`;
}

/** The objects at an instant, in words. */
export function describeInstant(model: TimelineModel, atNs: number, mark: number): string {
  const found = model.marks[mark];
  const phase = phaseAt(model.segments, atNs);
  const parts = [formatNs(atNs, found?.errorNs ?? instantError(model, atNs))];
  if (found !== undefined) parts.push(`${found.label}, seen by ${describeSource(found)}`);
  if (phase !== null) parts.push(`in ${phase.name}, ${lengthText(phase)}`);
  return parts.join('; ');
}

/** The timeline and its comparison as JSON, for other programs; no figure is finer than its error. */
export function timelineToJson({ timeline, comparison }: TimelineModel): string {
  if (timeline === null) return '';
  return JSON.stringify({ ...roundTimeline(timeline), comparison: comparison && roundComparison(comparison) }, null, 2);
}

/** The whole timeline as text, for a message to a colleague. */
export function timelineToText(model: TimelineModel): string {
  const { timeline } = model;
  if (timeline === null) return '';
  const accel = timeline.accel === 'tcg' ? 'emulated (tcg)' : 'kvm';
  const head = `${startTitle(timeline.startMode)}${timeline.complete ? '' : ', ended without a response'}  ${totalText(timeline)}  ${timeline.startMode}, ${accel}`;
  const lines = [head];
  if (model.comparison !== null) lines.push(describeComparison(model.comparison));
  lines.push('');
  const restore = restoreText(model);
  if (restore !== null) lines.push(`restore, part of vmm  ${restore}`, '');
  if (timeline.ahead !== null) lines.push(`ahead of the click  ${formatNs(timeline.ahead.durationNs)}`, '');
  for (const segment of model.segments) {
    const spread = spreadText(model, segment.name);
    const change = spread === null ? changeOf(model, segment) : null;
    const columns = [segment.name.padEnd(9), lengthText(segment).padStart(9), shareText(model, segment).padStart(8)];
    if (change !== null) columns.push(formatNsDelta(change, changeError(model, segment)).padStart(10));
    if (spread !== null) {
      columns.push(`median of ${spread.runs} ${spread.median.padStart(9)}`, `5–95 % ${spread.range.padStart(20)}`);
      columns.push(spread.change.padStart(10), spread.p);
    }
    lines.push(columns.join('  '));
  }
  lines.push('');
  for (const mark of model.marks) {
    lines.push(
      `${formatNs(mark.atNs, mark.errorNs).padStart(9)}  ${formatNsError(mark.errorNs)}  ${mark.label}  (${mark.source}, ${mark.clock})`,
    );
  }
  return lines.join('\n').replaceAll('\u00a0', ' ');
}
