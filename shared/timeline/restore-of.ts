import type { BootTimeline } from '../model/timeline.ts';
import { type Ns, ns } from '../model/units.ts';
import { markNames } from './marks.ts';

/** The stretch of a restored start in which the saved machine is loaded (rule TL-15); null in other starts. */
export function restoreOf({
  marks,
}: BootTimeline): { readonly startNs: Ns; readonly durationNs: Ns; readonly errorNs: Ns } | null {
  const asked = marks.find(({ name }) => name === markNames.restoreAsked);
  const goesOn = marks.find(({ name }) => name === markNames.guestStarted);
  if (asked === undefined || goesOn === undefined) return null;
  const durationNs = ns(Math.max(0, goesOn.atNs - asked.atNs));
  return { startNs: asked.atNs, durationNs, errorNs: ns(asked.errorNs + goesOn.errorNs) };
}
