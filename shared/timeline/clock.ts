/**
 * Maps the guest's tick counter to the host's clock, with a guaranteed bound on the error.
 *
 * Every observation states that the line `host = a + b·ticks` passes above or below a point: a message received by the
 * guest was sent before, one received by the host was sent after. The lines that fit all of them form a convex polygon
 * in (a, b); a mark's possible instants are the span of that polygon's corners at its ticks. The rules are in SPEC.md.
 */
import { type HostNs, hostNs, type Ns, ns } from '../model/units.ts';
import type { ClockSample } from './marks.ts';

/** The length of one tick. Units: nanoseconds. */
export interface TickRate {
  readonly minNs: number;
  readonly maxNs: number;
}

/** The known properties of a guest's counter. */
export interface ClockEvidence {
  readonly samples: readonly ClockSample[];
  /** The host instants between which the counter was 0: the request for the start, and its observed completion. */
  readonly started: { readonly afterNs: HostNs; readonly beforeNs: HostNs };
  /** Messages of the guest, with its ticks when it sent them and the host instants of their arrival. */
  readonly received?: readonly { readonly ticks: number; readonly atNs: HostNs }[];
  /** The rate that an earlier run on this host boot found. */
  readonly rate?: TickRate | undefined;
  /** False for a guest whose counter was not 0 when it began: one that was restored. Default: true. */
  readonly countsFromStart?: boolean | undefined;
}

/** A guest's counter on the host's clock. */
export interface GuestClock {
  /** The host instant of a tick count, and its error bound. */
  readonly toHost: (ticks: number) => { readonly atNs: HostNs; readonly errorNs: Ns };
  /** When the guest began to run. */
  readonly started: { readonly atNs: HostNs; readonly errorNs: Ns };
  readonly rate: TickRate;
}

/** The rates of counters, 100 MHz to 10 GHz: the range of all x86 time-stamp counters. */
const anyRate: TickRate = { minNs: 0.1, maxNs: 10 };
/** Observations that contradict each other are loosened from here, doubling, until they agree. */
const firstSlackNs = 100;
/** Far below a nanosecond: only absorbs the rounding of the corners themselves. */
const epsilonNs = 1e-3;

interface Bound {
  readonly ticks: number;
  /** Relative to the start's `afterNs`, to stay far from the limits of a double. */
  readonly ns: number;
  readonly side: 'above' | 'below';
}
interface Line {
  readonly offset: number;
  readonly slope: number;
}

/** The clock that the evidence allows (rules TL-C1 to TL-C6). */
export function fitGuestClock(evidence: ClockEvidence): GuestClock {
  const origin = evidence.started.afterNs;
  const started = { afterNs: origin, beforeNs: hostNs(Math.max(origin, evidence.started.beforeNs)) };
  const fromMessages = boundsOfMessages(evidence, origin);
  const anchor: Bound[] = [
    { ticks: 0, ns: 0, side: 'above' },
    { ticks: 0, ns: started.beforeNs - origin, side: 'below' },
  ];
  const rate = evidence.rate ?? anyRate;

  const anchored = evidence.countsFromStart === false ? [] : corners([...anchor, ...fromMessages], rate, 0);
  if (anchored.length > 0) return clockOf(anchored, origin, null);

  // The counter may have run while the machine was paused (KVM): then only the round trips locate the ticks.
  const enough = fromMessages.some((bound) => bound.side === 'above');
  for (let slack = 0; enough && slack < 1e9; slack = Math.max(firstSlackNs, slack * 2)) {
    const free = corners(fromMessages, rate, slack);
    if (free.length > 0) return clockOf(free, origin, started);
  }
  return clockOf(corners(anchor, rate, 0), origin, started);
}

function boundsOfMessages(evidence: ClockEvidence, origin: number): Bound[] {
  const bounds: Bound[] = [];
  for (const sample of evidence.samples) {
    bounds.push({ ticks: sample.guestReceivedTicks, ns: sample.hostSentNs - origin, side: 'above' });
    bounds.push({ ticks: sample.guestSentTicks, ns: sample.hostReceivedNs - origin, side: 'below' });
  }
  for (const { ticks, atNs } of evidence.received ?? []) bounds.push({ ticks, ns: atNs - origin, side: 'below' });
  return bounds;
}

/** The corners of the polygon of lines that fit; empty when the bounds contradict each other. */
function corners(bounds: readonly Bound[], rate: TickRate, slackNs: number): Line[] {
  const found: Line[] = [];
  const level = (bound: Bound) => (bound.side === 'above' ? bound.ns - slackNs : bound.ns + slackNs);
  const consider = (line: Line) => {
    if (line.slope < rate.minNs * (1 - 1e-12) || line.slope > rate.maxNs * (1 + 1e-12)) return;
    for (const bound of bounds) {
      const value = line.offset + line.slope * bound.ticks;
      if (bound.side === 'above' ? value < level(bound) - epsilonNs : value > level(bound) + epsilonNs) return;
    }
    found.push(line);
  };
  bounds.forEach((first, index) => {
    for (const slope of [rate.minNs, rate.maxNs]) consider({ slope, offset: level(first) - slope * first.ticks });
    for (const second of bounds.slice(index + 1)) {
      if (second.ticks === first.ticks) continue;
      const slope = (level(second) - level(first)) / (second.ticks - first.ticks);
      consider({ slope, offset: level(first) - slope * first.ticks });
    }
  });
  return found;
}

function clockOf(lines: readonly Line[], origin: number, paused: ClockEvidence['started'] | null): GuestClock {
  const span = (values: readonly number[]) => ({ low: Math.min(...values), high: Math.max(...values) });
  const middle = (low: number, high: number) => ({
    atNs: hostNs((low + high) / 2),
    errorNs: ns(Math.ceil((high - low) / 2)),
  });
  const toHost = (ticks: number) => {
    const { low, high } = span(lines.map((line) => line.offset + line.slope * ticks));
    return middle(origin + low, origin + high);
  };
  const { low: minNs, high: maxNs } = span(lines.map((line) => line.slope));
  return {
    toHost,
    started: paused === null ? toHost(0) : middle(paused.afterNs, paused.beforeNs),
    rate: { minNs, maxNs },
  };
}
