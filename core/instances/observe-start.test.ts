import { expect, it } from 'vitest';
import type { InvocationResult } from '#core/runtime/session.ts';
import { hostNs } from '#shared/model/units.ts';
import { restoreOf } from '#shared/timeline/index.ts';
import { drawStartSoFar, drawTimeline, newObservation, type StartObservation } from './observe-start.ts';

const ms = 1_000_000;

/** A start whose guest counts `ticksPerNs`, with a mark 1 s after its start, and round trips after 2 s. */
function observed(ticksPerNs: number, guestClock: InvocationResult['guestClock'], rate: StartObservation['rate']) {
  const resumedNs = 100 * ms;
  const ticksAt = (afterMs: number) => Math.round(afterMs * ms * ticksPerNs);
  const seen = newObservation({
    clickNs: hostNs(0),
    startMode: 'cold',
    accel: 'tcg',
    imageReadyNs: null,
    rate,
  });
  seen.resumeSentNs = hostNs(resumedNs - ms);
  seen.resumedNs = hostNs(resumedNs + ms);
  const answeredNs = hostNs(resumedNs + 2000 * ms);
  seen.result = {
    outcome: { ok: false, fatal: false, error: new Error() as never },
    sentAtNs: hostNs(resumedNs + 1900 * ms),
    receivedAtNs: answeredNs,
    marks: [{ name: 'middle', label: '', ticks: ticksAt(1000), opens: null }],
    received: [{ ticks: ticksAt(1999), atNs: answeredNs }],
    guestClock,
  };
  seen.clockSamples = [2001, 2002].map((at) => ({
    hostSentNs: hostNs(resumedNs + at * ms),
    guestReceivedTicks: ticksAt(at + 0.1),
    guestSentTicks: ticksAt(at + 0.2),
    hostReceivedNs: hostNs(resumedNs + (at + 0.3) * ms),
  }));
  const drawn = drawTimeline(seen);
  const middle = drawn.timeline.marks.find(({ name }) => name === 'middle');
  return { ...drawn, middle, offNs: Math.abs((middle?.atNs ?? 0) - (resumedNs + 1000 * ms)) };
}

it('keeps the rate of the host’s counter, and places marks by one that was kept', () => {
  const first = observed(2.5, undefined, undefined);
  expect(first.rate?.minNs).toBeLessThanOrEqual(0.4);
  expect(first.rate?.maxNs).toBeGreaterThanOrEqual(0.4);
  const second = observed(2.5, 'guest-tsc', first.rate ?? undefined);
  expect(second.offNs).toBeLessThanOrEqual(second.middle?.errorNs ?? 0);
  expect(second.middle?.errorNs).toBeLessThanOrEqual(first.middle?.errorNs ?? 0);
});

it('draws a restored start by its round trips alone, and boots in none of its phases (TL-15)', () => {
  const seen = newObservation({
    clickNs: hostNs(0),
    startMode: 'restored',
    accel: 'kvm',
    imageReadyNs: null,
    rate: undefined,
  });
  const at = (atMs: number) => hostNs(atMs * ms);
  // The saved guest had run for an hour by its counter, of 2 ticks a nanosecond.
  const ticksAt = (atMs: number) => 2 * (3600e9 + atMs * ms);
  seen.launch = {
    ...{ preparedFromNs: at(1), createSentNs: at(2), createdNs: at(11), connectedNs: at(12) },
    steps: [
      { name: 'restore.asked', label: '', atNs: at(4) },
      { name: 'restore.loaded', label: '', atNs: at(10) },
    ],
  };
  seen.resumeSentNs = at(12);
  seen.resumedNs = at(14);
  seen.result = {
    outcome: { ok: true, response: {} as never },
    sentAtNs: at(12),
    receivedAtNs: at(20),
    marks: [
      { name: 'ember.handler', label: '', ticks: ticksAt(16), opens: 'handler' },
      { name: 'ember.returned', label: '', ticks: ticksAt(18), opens: 'respond' },
    ],
    received: [{ ticks: ticksAt(19), atNs: at(20) }],
  };
  seen.clockSamples = [21, 22].map((sentMs) => ({
    hostSentNs: at(sentMs),
    guestReceivedTicks: ticksAt(sentMs + 0.1),
    guestSentTicks: ticksAt(sentMs + 0.2),
    hostReceivedNs: at(sentMs + 0.3),
  }));
  const { timeline } = drawTimeline(seen);
  expect(timeline).toMatchObject({ complete: true, totalNs: 20 * ms, ahead: null });
  const lengthsMs = Object.fromEntries(
    timeline.phases.map(({ name, durationNs }) => [name, Math.round(durationNs / ms)]),
  );
  expect(lengthsMs).toEqual({
    prepare: 2,
    vmm: 11,
    firmware: 0,
    kernel: 0,
    runtime: 0,
    function: 3,
    handler: 2,
    respond: 2,
  });
  expect(restoreOf(timeline)).toMatchObject({ startNs: 4 * ms, durationNs: 9 * ms });
  seen.clockSamples = [];
  expect(drawTimeline(seen).timeline.marks.some(({ name }) => name === 'ember.handler')).toBe(false);
});

it('takes the rate of no other start for a guest’s own clock, and keeps none of it (TL-C3)', () => {
  // As observed: clocks that run from 1 to 7 % fast, differently at each boot.
  for (const ticksPerNs of [1.016, 1.064]) {
    const { rate, middle, offNs } = observed(ticksPerNs, 'guest-monotonic', { minNs: 0.9775, maxNs: 0.9785 });
    expect(rate).toBeNull();
    expect(offNs).toBeLessThanOrEqual(middle?.errorNs ?? 0);
    expect(middle?.errorNs).toBeLessThan(2 * ms);
  }
});

it('draws a start that is under way: what is known so far runs to now (TL-13)', () => {
  const seen = newObservation({
    clickNs: hostNs(0),
    startMode: 'cold',
    accel: 'tcg',
    imageReadyNs: hostNs(ms),
    rate: undefined,
  });
  const lengths = (nowMs: number, heard: Parameters<typeof drawStartSoFar>[1] = null) => {
    const { phases, totalNs, complete, marks } = drawStartSoFar(seen, heard, hostNs(nowMs * ms));
    expect([totalNs, complete]).toEqual([nowMs * ms, false]);
    expect(marks.some(({ name }) => name === 'run.ended')).toBe(false);
    return Object.fromEntries(
      phases.filter(({ durationNs }) => durationNs > 0).map(({ name, durationNs }) => [name, durationNs / ms]),
    );
  };
  expect(lengths(3)).toEqual({ prepare: 3 });
  seen.createSentNs = hostNs(4 * ms);
  expect(lengths(200)).toEqual({ prepare: 4, vmm: 196 });
  seen.launch = {
    preparedFromNs: hostNs(2 * ms),
    createSentNs: hostNs(4 * ms),
    createdNs: hostNs(300 * ms),
    connectedNs: hostNs(302 * ms),
  };
  seen.resumeSentNs = hostNs(303 * ms);
  seen.resumedNs = hostNs(305 * ms);
  expect(lengths(310, { marks: [], received: [] })).toEqual({ prepare: 4, vmm: 300, firmware: 6 });
  const heard = {
    marks: [{ name: 'ember.entry', label: '', ticks: 5 * ms, opens: 'kernel' as const }],
    received: [{ ticks: 10 * ms, atNs: hostNs(314 * ms) }],
  };
  const handling = lengths(4_314, heard);
  expect(Object.keys(handling)).toEqual(['prepare', 'vmm', 'firmware', 'kernel', 'handler']);
  expect(handling.handler).toBe(4_000);
});
