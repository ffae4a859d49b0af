import { type BootTimeline, type Phase, phaseNames } from '../model/timeline.ts';
import { ns } from '../model/units.ts';

/** A timeline as an earlier version stored it: without the phase `handler`, whose time was counted as `respond`. */
export type StoredTimeline = BootTimeline;

/** The timeline with all phases of today (rules TL-U1, TL-U2). A complete one is returned unchanged. */
export function upgradeTimeline(stored: StoredTimeline): BootTimeline {
  if (stored.phases.some(({ name }) => name === 'handler')) return stored;
  const respond = stored.phases.find(({ name }) => name === 'respond');
  if (respond === undefined) return stored;
  const before = stored.phases.filter((phase) => phase !== respond);
  return { ...stored, phases: inOrder([...before, ...splitRespond(stored, respond)], stored.totalNs) };
}

/** `handler` and `respond` as the handler's marks divide them; all of it is `respond` without such marks. */
function splitRespond({ marks, totalNs }: StoredTimeline, respond: Phase): Phase[] {
  const called = marks.find(({ name }) => /(?:^|\.)handler(?:\.called)?$/.test(name));
  const returned = marks.find(({ name }) => /(?:^|\.)(?:handler\.)?returned$/.test(name));
  if (called === undefined) return [{ ...respond, name: 'handler', durationNs: ns(0) }, respond];
  const clamp = (atNs: number) => ns(Math.min(totalNs, Math.max(respond.startNs, atNs)));
  const startNs = clamp(called.atNs);
  const endNs = returned === undefined ? totalNs : ns(Math.max(startNs, clamp(returned.atNs)));
  return [
    { name: 'handler', startNs, durationNs: ns(0), errorNs: called.errorNs },
    { name: 'respond', startNs: endNs, durationNs: ns(0), errorNs: returned?.errorNs ?? ns(0) },
  ];
}

/** Phases that end where the next one starts. */
function inOrder(phases: readonly Phase[], totalNs: number): Phase[] {
  const sorted = [...phases].sort((a, b) => phaseNames.indexOf(a.name) - phaseNames.indexOf(b.name));
  return sorted.map((phase, index) => ({
    ...phase,
    durationNs: ns((sorted[index + 1]?.startNs ?? totalNs) - phase.startNs),
  }));
}
