import { describe, expect, it } from 'vitest';
import { bootTimelineSchema, type Phase, type PhaseName, phaseNames } from '../model/timeline.ts';
import { hostNs, ns } from '../model/units.ts';
import { buildTimeline, type Observations } from './build-timeline.ts';
import { fitGuestClock } from './clock.ts';
import type { GuestMark, HostMark } from './marks.ts';

const host = (name: string, at: number, opens: PhaseName | null = null, errorNs = 0): HostMark => ({
  name,
  label: name,
  atNs: hostNs(at),
  source: 'host',
  errorNs: ns(errorNs),
  opens,
});
const guest = (name: string, ticks: number, opens: PhaseName | null): GuestMark => ({
  name,
  label: name,
  ticks,
  opens,
});

/** A clock of two ticks per nanosecond, 0 at host time 1300, without any error. */
const clock = fitGuestClock({
  started: { afterNs: hostNs(1300), beforeNs: hostNs(1300) },
  samples: [{ hostSentNs: hostNs(2300), guestReceivedTicks: 2000, guestSentTicks: 2000, hostReceivedNs: hostNs(2300) }],
});

const whole: Observations = {
  startMode: 'cold',
  accel: 'tcg',
  clickNs: hostNs(1000),
  hostMarks: [
    host('run.requested', 1000, 'prepare'),
    host('vmm.requested', 1100, 'vmm'),
    host('request.sent', 1090, 'respond'),
    host('response.received', 2000),
  ],
  guestMarks: [
    guest('entry', 200, 'kernel'),
    guest('runtime', 600, 'runtime'),
    guest('function', 800, 'function'),
    guest('invoke', 1000, null),
    guest('handler', 1040, 'handler'),
    guest('returned', 1200, 'respond'),
  ],
  clock,
  ahead: null,
  endedEarly: null,
};
const spans = (seen: Observations) => {
  const { phases } = buildTimeline(seen);
  return Object.fromEntries(phases.map((phase) => [phase.name, [phase.startNs, phase.durationNs]]));
};

describe('the boot timeline', () => {
  it('TL-1 TL-2 TL-3 TL-6: puts every phase where its mark is, on both clocks', () => {
    expect(spans(whole)).toEqual({
      prepare: [0, 100],
      vmm: [100, 200],
      firmware: [300, 100],
      kernel: [400, 200],
      runtime: [600, 100],
      function: [700, 120],
      handler: [820, 80],
      respond: [900, 100],
    });
    const timeline = buildTimeline(whole);
    expect(timeline).toMatchObject({ totalNs: 1000, complete: true, ahead: null, startMode: 'cold', accel: 'tcg' });
    expect(bootTimelineSchema.parse(timeline)).toEqual(timeline);
  });

  it('TL-3: the latest of two marks opens a phase', () => {
    const later = host('request.sent', 1950, 'respond');
    expect(spans({ ...whole, hostMarks: [...whole.hostMarks, later] }).respond).toEqual([950, 50]);
  });

  it('TL-4: a phase that no mark opens has length 0 where the next one starts', () => {
    const withoutKernel = { ...whole, guestMarks: whole.guestMarks.filter((mark) => mark.opens !== 'kernel') };
    expect(spans(withoutKernel)).toMatchObject({ firmware: [300, 300], kernel: [600, 0], runtime: [600, 100] });
    expect(
      spans({ ...whole, guestMarks: [], hostMarks: whole.hostMarks.filter((m) => m.opens !== 'respond') }),
    ).toMatchObject({ firmware: [300, 700], kernel: [1000, 0], respond: [1000, 0] });
  });

  it('TL-5: prepare starts at the click', () => {
    const late = whole.hostMarks.map((mark) => (mark.opens === 'prepare' ? { ...mark, atNs: hostNs(1050) } : mark));
    expect(spans({ ...whole, hostMarks: late }).prepare).toEqual([0, 100]);
  });

  it('TL-7: a mark out of order is moved, and the edge says by how much; the mark stays', () => {
    const seen = { ...whole, guestMarks: [...whole.guestMarks.slice(1), guest('entry', 700, 'kernel')] };
    const { phases, marks } = buildTimeline(seen);
    expect(phases[3]).toMatchObject({ name: 'kernel', startNs: 650, durationNs: 0 });
    expect(phases[4]).toMatchObject({ name: 'runtime', startNs: 650, durationNs: 50, errorNs: 50 });
    expect(marks.find((mark) => mark.name === 'runtime')).toMatchObject({ atNs: 600, errorNs: 0 });
  });

  it('TL-7: a mark moved within its own error keeps that error; one after the end is moved to it', () => {
    const early = host('vmm.requested', 990, 'vmm', 40);
    const late = host('request.sent', 2400, 'respond', 5);
    const { phases } = buildTimeline({
      ...whole,
      hostMarks: [...whole.hostMarks.filter((m) => m.opens !== 'vmm'), early, late],
    });
    expect(phases[1]).toMatchObject({ name: 'vmm', startNs: 0, errorNs: 40 });
    expect(phases[7]).toMatchObject({ name: 'respond', startNs: 1000, durationNs: 0, errorNs: 400 });
  });

  it('TL-8: what was done before the click stands apart, at negative times', () => {
    const ahead = {
      marks: [host('ahead.requested', 400, 'prepare'), host('ahead.vmm', 450, 'vmm')],
      endNs: hostNs(900),
    };
    const timeline = buildTimeline({ ...whole, startMode: 'prestarted', ahead });
    expect(timeline.ahead).toEqual({
      startNs: -600,
      durationNs: 500,
      phases: [
        { name: 'prepare', startNs: -600, durationNs: 50, errorNs: 0 },
        { name: 'vmm', startNs: -550, durationNs: 450, errorNs: 0 },
      ],
    });
    expect(timeline.marks.slice(0, 3).map((mark) => [mark.name, mark.atNs])).toEqual([
      ['ahead.requested', -600],
      ['ahead.vmm', -550],
      ['run.requested', 0],
    ]);
    expect(timeline.totalNs).toBe(1000);
  });

  it('TL-14: a guest that was booted ahead boots in no phase of its start', () => {
    const hostMarks = [
      host('run.requested', 1000, 'prepare'),
      host('request.sent', 1100, 'function'),
      host('response.received', 2000, null),
    ];
    const at = (name: string, atNs: number, opens: HostMark['opens']) => host(name, atNs, opens);
    const boot = [at('entry', 600, 'kernel'), at('up', 700, 'runtime'), at('loaded', 800, 'function')];
    const call = [at('called', 1300, 'handler'), at('returned', 1800, 'respond')];
    const ahead = { marks: [host('launch', 300, 'prepare'), host('create', 400, 'vmm')], endNs: hostNs(900) };
    const timeline = buildTimeline({
      ...whole,
      startMode: 'prebooted',
      hostMarks: [...hostMarks, ...boot, ...call],
      guestMarks: [],
      clock: null,
      ahead,
    });
    const lengths = (phases: readonly Phase[] = []) =>
      Object.fromEntries(phases.filter((one) => one.durationNs > 0).map((one) => [one.name, one.durationNs]));
    expect(lengths(timeline.phases)).toEqual({ prepare: 100, function: 200, handler: 500, respond: 200 });
    expect(lengths(timeline.ahead?.phases)).toEqual({
      prepare: 100,
      vmm: 200,
      kernel: 100,
      runtime: 100,
      function: 100,
    });
    expect(timeline.ahead).toMatchObject({ startNs: -700, durationNs: 600 });
    expect(timeline.marks.filter(({ atNs }) => atNs < 0).map(({ name }) => name)).toEqual([
      ...['launch', 'create', 'entry', 'up', 'loaded'],
    ]);
  });

  it('TL-9: a boot that ended early runs to its end, and what was not reached has length 0', () => {
    const seen = {
      ...whole,
      hostMarks: whole.hostMarks.filter((mark) => mark.name !== 'response.received' && mark.opens !== 'respond'),
      guestMarks: whole.guestMarks.slice(0, 1),
      endedEarly: hostNs(5000),
    };
    expect(buildTimeline(seen)).toMatchObject({ complete: false, totalNs: 4000 });
    expect(spans(seen)).toMatchObject({ kernel: [400, 3600], runtime: [4000, 0], respond: [4000, 0] });
  });

  it('TL-9: a guest that never ran leaves its time to the VMM', () => {
    const hostMarks = whole.hostMarks.slice(0, 2);
    const seen = { ...whole, hostMarks, guestMarks: [], clock: null, endedEarly: hostNs(3000) };
    expect(spans(seen)).toMatchObject({ prepare: [0, 100], vmm: [100, 1900], firmware: [2000, 0] });
    expect(buildTimeline({ ...seen, endedEarly: null })).toMatchObject({ complete: false, totalNs: 100 });
  });

  it('TL-11: a handler that did not return takes all that is left', () => {
    const guestMarks = whole.guestMarks.filter(({ name }) => name !== 'returned');
    const hostMarks = whole.hostMarks.filter(({ opens }) => opens !== 'respond');
    expect(spans({ ...whole, guestMarks, hostMarks })).toMatchObject({ handler: [820, 180], respond: [1000, 0] });
  });

  it('TL-10: all marks are there, by time', () => {
    const { marks } = buildTimeline(whole);
    expect(marks.map((mark) => mark.name)).toEqual([
      'run.requested',
      'request.sent',
      'vmm.requested',
      'guest.started',
      'entry',
      'runtime',
      'function',
      'invoke',
      'handler',
      'returned',
      'response.received',
    ]);
    expect(marks[4]).toMatchObject({ source: 'guest', clock: 'guest-tsc' });
  });

  it('TL-2: phases are contiguous and sum to the total for any marks whatever', () => {
    let seed = 11;
    const random = (limit: number) => {
      seed = (seed * 16807) % 2147483647;
      return seed % limit;
    };
    for (let round = 0; round < 300; round++) {
      const marks = Array.from({ length: random(12) }, (_, index) =>
        host(`m${index}`, random(4000), random(3) === 0 ? null : (phaseNames[random(8)] ?? null), random(300)),
      );
      const answered = random(2) === 0 ? [host('response.received', random(4000))] : [];
      const timeline = buildTimeline({
        ...whole,
        hostMarks: [...marks, ...answered],
        guestMarks: random(2) === 0 ? whole.guestMarks : [],
        clock: random(3) === 0 ? null : clock,
        endedEarly: random(4) === 0 ? hostNs(random(5000)) : null,
      });
      expect(timeline.phases.map((phase) => phase.name)).toEqual([...phaseNames]);
      let at = 0;
      for (const phase of timeline.phases) {
        expect(phase.startNs).toBe(at);
        expect(phase.durationNs).toBeGreaterThanOrEqual(0);
        at += phase.durationNs;
      }
      expect(at).toBe(timeline.totalNs);
      expect(bootTimelineSchema.safeParse(timeline).success).toBe(true);
    }
  });
});
