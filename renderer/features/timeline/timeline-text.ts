import type { BootTimeline, Mark, PhaseName } from '#shared/model/timeline.ts';
import { formatNs, formatNsDelta, formatPercent } from '../../ui/instrument-format.ts';
import { durationOf, phaseAt, type Segment, type TimelineModel } from './timeline-model.ts';

/** Who saw a mark and how sure it is: `guest, guest-tsc clock, ± 40.0 µs`. */
export const describeSource = (mark: Mark): string =>
  `${mark.source}, ${mark.clock} clock, ± ${formatNs(mark.errorNs)}`;

/** How a phase compares with the previous run's; null when there is none, or when one of the two never got that far. */
export function changeOf(model: TimelineModel, segment: Segment): number | null {
  if (!hasReached(model.timeline, model.segments, segment.name)) return null;
  if (!hasReached(model.previous, model.ghost, segment.name)) return null;
  return durationOf(model.segments, segment.name) - durationOf(model.ghost, segment.name);
}

function hasReached(timeline: BootTimeline | null, segments: readonly Segment[], name: PhaseName): boolean {
  if (timeline === null) return false;
  return timeline.complete || segments.some((segment) => segment.name === name && segment.startNs < timeline.totalNs);
}

/** A phase's part of the total as a fraction; 0 for a total of 0. */
export function shareOf(model: TimelineModel, segment: Segment): number {
  const total = model.timeline?.totalNs ?? 0;
  return total === 0 ? 0 : (segment.endNs - segment.startNs) / total;
}

/** The timeline in a sentence, for its accessible name. */
export function describeTimeline(model: TimelineModel): string {
  const { timeline } = model;
  if (timeline === null) return 'Cold start timeline: no run yet';
  const outcome = timeline.complete ? 'total' : 'ended without a response after';
  const phases = model.segments
    .filter((segment) => segment.endNs > segment.startNs)
    .map((segment) => `${segment.name} ${formatNs(segment.endNs - segment.startNs)}`);
  return `Cold start timeline, ${outcome} ${formatNs(timeline.totalNs)}: ${phases.join(', ')}`;
}

/** A measured span with its part of the total. */
export function describeRange(model: TimelineModel, spanNs: number): string {
  const total = model.timeline?.totalNs ?? 0;
  return total === 0 ? formatNs(spanNs) : `${formatNs(spanNs)}, ${formatPercent(spanNs / total)} of the total`;
}

/** What is at an instant, in words. */
export function describeInstant(model: TimelineModel, atNs: number, mark: number): string {
  const found = model.marks[mark];
  const phase = phaseAt(model.segments, atNs);
  const parts = [formatNs(atNs)];
  if (found !== undefined) parts.push(`${found.label}, seen by ${describeSource(found)}`);
  if (phase !== null) parts.push(`in ${phase.name}, ${formatNs(phase.endNs - phase.startNs)}`);
  return parts.join('; ');
}

/** The whole timeline as text, for a message to a colleague. */
export function timelineToText(model: TimelineModel): string {
  const { timeline } = model;
  if (timeline === null) return '';
  const accel = timeline.accel === 'tcg' ? 'emulated (tcg)' : 'kvm';
  const head = `${timeline.complete ? 'Cold start' : 'Cold start, ended without a response'}  ${formatNs(timeline.totalNs)}  ${timeline.startMode}, ${accel}`;
  const lines = [head, ''];
  if (timeline.ahead !== null) lines.push(`ahead of the click  ${formatNs(timeline.ahead.durationNs)}`, '');
  for (const segment of model.segments) {
    const change = changeOf(model, segment);
    const columns = [
      segment.name.padEnd(9),
      formatNs(segment.endNs - segment.startNs).padStart(9),
      formatPercent(shareOf(model, segment)).padStart(8),
    ];
    if (change !== null) columns.push(formatNsDelta(change).padStart(10));
    lines.push(columns.join('  '));
  }
  lines.push('');
  for (const mark of model.marks) {
    lines.push(
      `${formatNs(mark.atNs).padStart(9)}  ± ${formatNs(mark.errorNs)}  ${mark.label}  (${mark.source}, ${mark.clock})`,
    );
  }
  return lines.join('\n').replaceAll('\u00a0', ' ');
}
