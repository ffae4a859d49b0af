import { roundToError } from '../format.ts';
import type { BootTimeline, Phase } from '../model/timeline.ts';
import { type Ns, ns } from '../model/units.ts';

/**
 * A timeline for others to read: no figure in it is finer than its error (rule TL-E1). Rounded phases need not sum to the
 * total, nor does a rounded phase end exactly where the next one starts.
 */
export function roundTimeline(timeline: BootTimeline): BootTimeline {
  const endErrorNs = timeline.marks.find(({ atNs }) => atNs === timeline.totalNs)?.errorNs ?? ns(0);
  return {
    ...timeline,
    totalNs: round(timeline.totalNs, endErrorNs),
    phases: roundPhases(timeline.phases, endErrorNs),
    ahead: timeline.ahead && { ...timeline.ahead, phases: roundPhases(timeline.ahead.phases, ns(0)) },
    marks: timeline.marks.map((mark) => ({ ...mark, atNs: round(mark.atNs, mark.errorNs) })),
  };
}

function roundPhases(phases: readonly Phase[], endErrorNs: Ns): Phase[] {
  return phases.map((phase, index) => ({
    ...phase,
    startNs: round(phase.startNs, phase.errorNs),
    durationNs:
      phase.durationNs === 0
        ? phase.durationNs
        : round(phase.durationNs, ns(phase.errorNs + (phases[index + 1]?.errorNs ?? endErrorNs))),
  }));
}

const round = (value: Ns, errorNs: Ns): Ns => ns(roundToError(value, errorNs));
