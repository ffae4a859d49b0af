/** Makes a `BootTimeline` from observations. The rules are in SPEC.md. */
import type { Accel } from '../model/instance.ts';
import {
  type BootTimeline,
  type Mark,
  type Phase,
  type PhaseName,
  phaseNames,
  type StartMode,
} from '../model/timeline.ts';
import { type HostNs, type Ns, ns } from '../model/units.ts';
import type { GuestClock } from './clock.ts';
import { type GuestMark, type HostMark, markNames } from './marks.ts';

/** All observations of one start. */
export interface Observations {
  readonly startMode: StartMode;
  readonly accel: Accel;
  readonly clickNs: HostNs;
  /** The host's marks from the click on. A `response.received` among them ends the timeline. */
  readonly hostMarks: readonly HostMark[];
  readonly guestMarks: readonly GuestMark[];
  /** The guest's counter of its marks. Default: its time-stamp counter. */
  readonly guestClock?: Extract<Mark['clock'], `guest-${string}`> | undefined;
  /** Null when the guest never ran. */
  readonly clock: GuestClock | null;
  /** The work done before the click; null for a cold start. */
  readonly ahead: { readonly marks: readonly HostMark[]; readonly endNs: HostNs } | null;
  /** The instant at which the start ended without an answer, or null. */
  readonly endedEarly: HostNs | null;
}

/** A mark on the timeline's own scale, with the phase it opens. */
interface Placed extends Mark {
  readonly opens: PhaseName | null;
}
interface Edge {
  readonly at: number;
  readonly error: number;
}

/** The timeline of a start. Shape: rules TL-1 to TL-15; never throws, for any observations. */
export function buildTimeline(seen: Observations): BootTimeline {
  const fromHost = (mark: HostMark): Placed => ({
    name: mark.name,
    label: mark.label,
    atNs: ns(mark.atNs - seen.clickNs),
    source: mark.source,
    clock: 'host-monotonic',
    errorNs: mark.errorNs,
    opens: mark.opens,
  });
  const all = [...seen.hostMarks.map(fromHost), ...placeGuestMarks(seen)];
  // A guest that was booted ahead has made some of these marks before the click.
  const isAhead = ({ atNs }: Placed) => seen.startMode === 'prebooted' && atNs < 0;
  const placed = all.filter((mark) => !isAhead(mark));
  const answer = placed.find((mark) => mark.name === markNames.responseReceived);
  const complete = seen.endedEarly === null && answer !== undefined;
  const endedAt = seen.endedEarly === null ? latest(placed) : seen.endedEarly - seen.clickNs;
  const totalNs = ns(Math.max(0, complete ? answer.atNs : endedAt));

  const edges = openingEdges(placed, 0, totalNs);
  const aheadMarks = [...(seen.ahead?.marks ?? []).map(fromHost), ...all.filter(isAhead)];
  return {
    startMode: seen.startMode,
    accel: seen.accel,
    totalNs,
    complete,
    phases: phasesBetween(edges, 0, totalNs, phaseNames),
    ahead: seen.ahead === null ? null : buildAhead(aheadMarks, seen.ahead.endNs - seen.clickNs, seen.startMode),
    marks: [...aheadMarks, ...placed].map(withoutOpens).sort((a, b) => a.atNs - b.atNs),
  };
}

function placeGuestMarks(seen: Observations): Placed[] {
  const { clock } = seen;
  if (clock === null) return [];
  const began = guestBegins(seen.startMode);
  const onGuestClock = (name: string, label: string, at: GuestClock['started'], opens: PhaseName | null): Placed => ({
    name,
    label,
    atNs: ns(at.atNs - seen.clickNs),
    source: 'guest',
    clock: seen.guestClock ?? 'guest-tsc',
    errorNs: at.errorNs,
    opens,
  });
  return [
    onGuestClock(markNames.guestStarted, began.label, clock.started, began.opens),
    ...seen.guestMarks.map((mark) => onGuestClock(mark.name, mark.label, clock.toHost(mark.ticks), mark.opens)),
  ];
}

/** The first thing that a guest does in a start, and the phase that it opens. A restored guest has booted before. */
export const guestBegins = (startMode: StartMode): { readonly label: string; readonly opens: PhaseName } =>
  startMode === 'restored'
    ? { label: 'saved guest goes on', opens: 'function' }
    : { label: 'first guest instruction', opens: 'firmware' };

/** The opening of each observed phase: in order, within the bounds, with the error that this placement adds. */
function openingEdges(marks: readonly Placed[], from: number, to: number): Map<PhaseName, Edge> {
  const edges = new Map<PhaseName, Edge>();
  let floor = from;
  for (const name of phaseNames) {
    const opening = marks.filter((mark) => mark.opens === name);
    if (opening.length === 0) continue;
    const mark = opening.reduce((a, b) => (b.atNs > a.atNs ? b : a));
    const at = Math.min(Math.max(mark.atNs, floor), to);
    // A phase that began before the timeline is certainly in progress at the timeline's start.
    const moved = mark.atNs < from ? 0 : Math.abs(at - mark.atNs);
    edges.set(name, { at, error: Math.max(mark.errorNs, moved) });
    floor = at;
  }
  return edges;
}

/** Contiguous phases from `from` to `to`; one that was not observed has length 0 at the start of the next one. */
function phasesBetween(
  edges: ReadonlyMap<PhaseName, Edge>,
  from: number,
  to: number,
  names: readonly PhaseName[],
): Phase[] {
  const phases: Phase[] = [];
  let next: Edge = { at: to, error: 0 };
  for (const name of [...names].reverse()) {
    // The first phase begins at the timeline's start, observed or not.
    const edge = name === names[0] ? { at: from, error: 0 } : (edges.get(name) ?? next);
    phases.unshift({ name, startNs: ns(edge.at), durationNs: ns(next.at - edge.at), errorNs: ns(edge.error) });
    next = edge;
  }
  return phases;
}

/** The phases before the click: up to the paused machine, or up to the guest that waits for its request. */
function buildAhead(marks: readonly Placed[], end: number, startMode: StartMode): NonNullable<BootTimeline['ahead']> {
  const last = startMode === 'prebooted' ? 'function' : 'vmm';
  const names = phaseNames.slice(0, phaseNames.indexOf(last) + 1);
  const to = Math.min(0, end);
  const from = Math.min(to, ...marks.map((mark) => mark.atNs));
  const phases = phasesBetween(openingEdges(marks, from, to), from, to, names);
  return { startNs: ns(from), durationNs: ns(to - from), phases };
}

function latest(marks: readonly Placed[]): Ns {
  return ns(Math.max(0, ...marks.map((mark) => mark.atNs)));
}

function withoutOpens({ opens: _, ...mark }: Placed): Mark {
  return mark;
}
