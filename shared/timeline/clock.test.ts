import { describe, expect, it } from 'vitest';
import { hostNs } from '../model/units.ts';
import { type ClockEvidence, fitGuestClock } from './clock.ts';
import type { ClockSample } from './marks.ts';

/** A round trip at the true line `host = 1000 + ticks / 2`, `out` ns on the way there and `back` ns on the way back. */
const roundTrip = (ticks: number, out: number, back: number): ClockSample => ({
  hostSentNs: hostNs(1000 + ticks / 2 - out),
  guestReceivedTicks: ticks,
  guestSentTicks: ticks,
  hostReceivedNs: hostNs(1000 + ticks / 2 + back),
});
const started = { afterNs: hostNs(1000), beforeNs: hostNs(1000) };

describe('the guest clock', () => {
  it('TL-C1 TL-C2: an exact start and a round trip without delay give the line exactly', () => {
    const clock = fitGuestClock({ started, samples: [roundTrip(8000, 0, 0)] });
    expect(clock.toHost(4000)).toEqual({ atNs: 3000, errorNs: 0 });
    expect(clock.toHost(16000)).toEqual({ atNs: 9000, errorNs: 0 });
    expect(clock.rate.minNs).toBeCloseTo(0.5, 9);
    expect(clock.rate.maxNs).toBeCloseTo(0.5, 9);
  });

  it('TL-C4: a delay of 100 ns each way at the far end is ±50 halfway and ±100 there', () => {
    const clock = fitGuestClock({ started, samples: [roundTrip(8000, 100, 100)] });
    expect(clock.toHost(0)).toEqual({ atNs: 1000, errorNs: 0 });
    expect(clock.toHost(4000)).toEqual({ atNs: 3000, errorNs: 50 });
    expect(clock.toHost(8000)).toEqual({ atNs: 5000, errorNs: 100 });
  });

  it('TL-C1: a message of the guest alone bounds from above only', () => {
    const evidence = { started, samples: [], received: [{ ticks: 1000, atNs: hostNs(3000) }] };
    // From 0.1 ns a tick to the 2000 ns that the message allows.
    expect(fitGuestClock(evidence).toHost(1000)).toEqual({ atNs: 2050, errorNs: 950 });
  });

  it('TL-C3: a rate known from an earlier run narrows what one start leaves open', () => {
    const rate = { minNs: 0.499, maxNs: 0.501 };
    expect(fitGuestClock({ started, samples: [], rate }).toHost(10_000)).toEqual({ atNs: 6000, errorNs: 10 });
  });

  it('TL-C4: the true instant lies within the bounds, whatever the delays', () => {
    let seed = 7;
    const random = () => {
      seed = (seed * 16807) % 2147483647;
      return seed / 2147483647;
    };
    for (let round = 0; round < 40; round++) {
      const nsPerTick = 0.3 + random();
      const began = 1_000_000 + random() * 1e6;
      const truth = (ticks: number) => began + ticks * nsPerTick;
      const samples = Array.from({ length: 6 }, (_, index): ClockSample => {
        const ticks = 3e7 + index * 5e6 + random() * 1e6;
        const stay = random() * 1e4;
        return {
          hostSentNs: hostNs(Math.floor(truth(ticks) - random() * 2e5)),
          guestReceivedTicks: ticks,
          guestSentTicks: ticks + stay,
          hostReceivedNs: hostNs(Math.ceil(truth(ticks + stay) + random() * 2e5)),
        };
      });
      const evidence: ClockEvidence = {
        samples,
        started: { afterNs: hostNs(began - random() * 3e6), beforeNs: hostNs(began + random() * 1e6) },
      };
      const clock = fitGuestClock(evidence);
      for (const ticks of [0, 1e6, 2e7, 3e7]) {
        const { atNs, errorNs } = clock.toHost(ticks);
        expect(Math.abs(atNs - truth(ticks))).toBeLessThanOrEqual(errorNs + 1);
      }
      expect(clock.rate.minNs).toBeLessThanOrEqual(nsPerTick * (1 + 1e-6));
      expect(clock.rate.maxNs).toBeGreaterThanOrEqual(nsPerTick * (1 - 1e-6));
    }
  });

  it('TL-C5: a counter that ran while paused is placed by the round trips, the start by the host', () => {
    const samples = [roundTrip(200_000, 10, 10), roundTrip(400_000, 10, 10)];
    const late = { afterNs: hostNs(90_000), beforeNs: hostNs(90_400) };
    const clock = fitGuestClock({ started: late, samples });
    expect(clock.started).toEqual({ atNs: 90_200, errorNs: 200 });
    expect(clock.toHost(300_000)).toEqual({ atNs: 151_000, errorNs: 10 });
  });

  it('TL-C6: round trips that contradict each other are loosened, and the error says so', () => {
    const off = { ...roundTrip(8000, 0, 0), hostSentNs: hostNs(5300), hostReceivedNs: hostNs(5300) };
    const clock = fitGuestClock({ started, samples: [roundTrip(8000, 0, 0), off] });
    // 300 ns apart: 100 does not bridge them, 200 does.
    const { atNs, errorNs } = clock.toHost(8000);
    expect(atNs).toBe(5150);
    expect(errorNs).toBe(50);
  });

  it('TL-C6: with nothing but the start, the start and the range of rates decide', () => {
    const open = { afterNs: hostNs(1000), beforeNs: hostNs(3000) };
    const clock = fitGuestClock({ started: open, samples: [] });
    expect(clock.started).toEqual({ atNs: 2000, errorNs: 1000 });
    expect(clock.toHost(100)).toEqual({ atNs: 2505, errorNs: 1495 });
  });

  it('TL-C2: a start seen done before it was asked for counts as the instant it was asked for', () => {
    const clock = fitGuestClock({ started: { afterNs: hostNs(1000), beforeNs: hostNs(900) }, samples: [] });
    expect(clock.started).toEqual({ atNs: 1000, errorNs: 0 });
  });
});
