import { type BootTimeline, type PhaseName, phaseNames } from '../model/timeline.ts';
import { type Ns, ns } from '../model/units.ts';

/** The difference of one phase between two starts. */
export interface PhaseDelta {
  readonly name: PhaseName;
  readonly beforeNs: Ns;
  readonly afterNs: Ns;
  /** Positive when `after` took longer. */
  readonly deltaNs: Ns;
  /** False when the error bounds of its edges are wide enough to explain the difference. */
  readonly certain: boolean;
}

export interface TimelineDelta {
  readonly totalDeltaNs: Ns;
  /** All phases, in order. */
  readonly phases: readonly PhaseDelta[];
  /** False when the two started in different ways, so that the phases do not hold the same work. */
  readonly comparable: boolean;
}

/** The changes from one start to another (rules TL-D1, TL-D2). */
export function compareTimelines(before: BootTimeline, after: BootTimeline): TimelineDelta {
  return {
    totalDeltaNs: ns(after.totalNs - before.totalNs),
    phases: phaseNames.map((name) => {
      const a = spanOf(before, name);
      const b = spanOf(after, name);
      const deltaNs = ns(b.durationNs - a.durationNs);
      return {
        name,
        beforeNs: a.durationNs,
        afterNs: b.durationNs,
        deltaNs,
        certain: Math.abs(deltaNs) > a.errorNs + b.errorNs,
      };
    }),
    comparable: before.startMode === after.startMode && before.accel === after.accel,
  };
}

/** A phase's length with the error of both its edges. */
function spanOf(timeline: BootTimeline, name: PhaseName): { durationNs: Ns; errorNs: number } {
  const index = timeline.phases.findIndex((phase) => phase.name === name);
  const phase = timeline.phases[index];
  if (phase === undefined) return { durationNs: ns(0), errorNs: 0 };
  return { durationNs: phase.durationNs, errorNs: phase.errorNs + (timeline.phases[index + 1]?.errorNs ?? 0) };
}
