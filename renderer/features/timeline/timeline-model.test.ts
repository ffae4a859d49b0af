import { describe, expect, it } from 'vitest';
import { type Comparison, comparisonSchema, type Spread } from '#shared/model/series.ts';
import type { BootTimeline, Mark, PhaseName } from '#shared/model/timeline.ts';
import { phaseNames } from '#shared/model/timeline.ts';
import { ns } from '#shared/model/units.ts';
import { markNames } from '#shared/timeline/index.ts';
import { spreadText } from './figures.ts';
import { hitTest, nearestMark, neighbourMark } from './hit-test.ts';
import { isPlotted, labelRowPx, layOutLanes } from './lanes.ts';
import { placeLabels } from './mark-labels.ts';
import {
  buildModel,
  durationOf,
  findBounds,
  marksWithin,
  phaseAt,
  shareOf,
  type TimelineInput,
} from './timeline-model.ts';
import { timelineToSvg } from './timeline-svg.ts';
import { changeOf, describeTimeline, timelineToJson, timelineToText } from './timeline-text.ts';

const mark = (atNs: number, name = `at ${atNs}`, errorNs = 0): Mark => ({
  name,
  label: name,
  atNs: ns(atNs),
  source: 'guest',
  clock: 'guest-tsc',
  errorNs: ns(errorNs),
});

/** All phases of the given lengths in ns, an error of 5 ns at each inner edge. */
function timelineOf(
  lengths: readonly number[],
  marks: readonly Mark[] = [],
  more: Partial<BootTimeline> = {},
): BootTimeline {
  let at = 0;
  const phases = phaseNames.map((name, index) => {
    const startNs = ns(at);
    at += lengths[index] ?? 0;
    return { name, startNs, durationNs: ns(lengths[index] ?? 0), errorNs: ns(index === 0 ? 0 : 5) };
  });
  return {
    startMode: 'cold',
    accel: 'kvm',
    totalNs: ns(at),
    complete: true,
    phases,
    ahead: null,
    marks: [...marks],
    ...more,
  };
}

const modelOf = (timeline: BootTimeline | null, previous: BootTimeline | null, more: Partial<TimelineInput> = {}) =>
  buildModel({ timeline, previous, ...more });

const lengths = [1000, 2000, 0, 1000, 3000, 2000, 700, 300];

describe('timeline model', () => {
  it('gives each phase the error bound of both its edges, the last one that of the mark it ends at', () => {
    const { segments } = modelOf(timelineOf(lengths, [mark(10_000, 'response', 7)]), null);
    expect(segments.map(({ errorNs, endErrorNs }) => [errorNs, endErrorNs])).toEqual([
      [0, 5],
      [5, 5],
      [5, 5],
      [5, 5],
      [5, 5],
      [5, 5],
      [5, 5],
      [5, 7],
    ]);
  });

  it('finds the phase at an instant, never one without length', () => {
    const { segments } = modelOf(timelineOf(lengths), null);
    expect(phaseAt(segments, 0)?.name).toBe('prepare');
    expect(phaseAt(segments, 3000)?.name).toBe('kernel');
    expect(phaseAt(segments, -1)).toBeNull();
    expect(phaseAt(segments, 10_000)).toBeNull();
    expect(durationOf(segments, 'firmware')).toBe(0);
  });

  it('fits the run, and the one before it unless that is far longer', () => {
    const near = modelOf(timelineOf(lengths), timelineOf(lengths.map((length) => length * 1.5)));
    expect(near.fit).toEqual({ startNs: -225, endNs: 15_225 });
    const far = modelOf(timelineOf(lengths), timelineOf(lengths.map((length) => length * 10)));
    expect(far.fit).toEqual({ startNs: -150, endNs: 10_150 });
    expect(findBounds(far, null).endNs).toBe(102_575);
  });

  it('lets a person pan to what was done ahead and to all samples', () => {
    const ahead = { startNs: ns(-50_000), durationNs: ns(9000), phases: [] };
    const model = modelOf(timelineOf(lengths, [], { ahead }), null);
    expect(findBounds(model, null)).toEqual({ startNs: -52_575, endNs: 12_725 });
    expect(findBounds(model, { startNs: -60_000, endNs: 90_000 })).toEqual({ startNs: -62_575, endNs: 92_575 });
  });

  it('sorts marks and keeps two of one name apart', () => {
    const model = modelOf(timelineOf(lengths, [mark(300, 'tick'), mark(100, 'tick')]), null);
    expect([...model.markAtNs]).toEqual([100, 300]);
    expect(model.marks.map(({ key }) => key)).toEqual(['tick 0', 'tick 1']);
  });

  it('ranks the marks that open a phase first, then the lonely ones', () => {
    const model = modelOf(timelineOf(lengths, [mark(400), mark(410), mark(1000), mark(6500)]), null);
    expect([...model.markRank].map((index) => model.markAtNs[index])).toEqual([1000, 6500, 400, 410]);
  });

  it('counts the marks within a stretch, both ends included', () => {
    const model = modelOf(
      timelineOf(
        lengths,
        [10, 20, 20, 30].map((at) => mark(at)),
      ),
      null,
    );
    expect(marksWithin(model, 20, 20)).toEqual([1, 3]);
    expect(marksWithin(model, 11, 19)).toEqual([1, 1]);
  });

  it('compares with the run before', () => {
    const model = modelOf(timelineOf(lengths), timelineOf([1000, 2500, 0, 1000, 2000, 2000, 700, 300]));
    const [prepare, vmm] = model.segments;
    expect(prepare && changeOf(model, prepare)).toBe(0);
    expect(vmm && changeOf(model, vmm)).toBe(-500);
    expect(vmm && shareOf(model, vmm)).toBe(0.2);
  });

  it('compares no phase that one of the runs never got to', () => {
    const failed = timelineOf([1000, 2000, 0, 500, 0, 0, 0, 0], [], { complete: false });
    const model = modelOf(failed, timelineOf(lengths));
    expect(model.segments.map((segment) => changeOf(model, segment))).toEqual([0, 0, 0, -500, null, null, null, null]);
  });
});

describe('hit test', () => {
  const model = modelOf(timelineOf(lengths, [mark(1000), mark(1100), mark(5000)]), null);
  const window = { startNs: 0, endNs: 10_000 };
  const lanes = layOutLanes(160, { strips: 4, hasGhost: true, hasSpread: false });

  it('tells the row and the phase under a point', () => {
    const hit = hitTest(model, lanes, window, 1000, 150, lanes.bar.topPx + 2);
    expect([hit.row, hit.phase?.name, hit.atNs]).toEqual(['bar', 'vmm', 1500]);
    expect(hitTest(model, lanes, window, 1000, 150, 2).row).toBe('axis');
    expect(hitTest(model, lanes, window, 1000, 150, 159).row).toBe('strips');
  });

  it('reaches for the nearest mark within six pixels', () => {
    expect(nearestMark(model, window, 1000, 104)).toBe(0);
    expect(nearestMark(model, window, 1000, 106)).toBe(1);
    expect(nearestMark(model, window, 1000, 494)).toBe(2);
    expect(nearestMark(model, window, 1000, 493)).toBe(-1);
  });

  it('steps from mark to mark', () => {
    expect(neighbourMark(model, 1000, 1)).toBe(1);
    expect(neighbourMark(model, 1000, -1)).toBe(-1);
    expect(neighbourMark(model, 4999, 1)).toBe(2);
    expect(neighbourMark(model, 5000, 1)).toBe(-1);
  });
});

describe('labels', () => {
  const place = (at: readonly number[], rows: number, labelPx = 60) => {
    const model = modelOf(
      timelineOf(
        lengths,
        at.map((ns) => mark(ns)),
      ),
      null,
    );
    return placeLabels(model, { startNs: 0, endNs: 1000 }, 1000, rows, () => labelPx).map(({ xPx, row }) => [xPx, row]);
  };

  it('stand in one row when there is room', () => {
    expect(place([100, 300, 500], 2)).toEqual([
      [100, 0],
      [300, 0],
      [500, 0],
    ]);
  });

  it('descend to the left where they crowd, so that no leader crosses a text', () => {
    expect(place([100, 130, 160], 3)).toEqual([
      [100, 2],
      [130, 1],
      [160, 0],
    ]);
  });

  it('stand left of their mark where the plot ends', () => {
    const model = modelOf(timelineOf(lengths, [mark(980)]), null);
    const [label] = placeLabels(model, { startNs: 0, endNs: 1000 }, 1000, 1, () => 60);
    expect(label?.textPx).toBe(916);
    expect(place([880, 980], 2)).toEqual([
      [880, 1],
      [980, 0],
    ]);
  });

  it('leave out what would need another row', () => {
    expect(place([100, 130, 160], 1)).toHaveLength(1);
    expect(place([100, 101], 3)).toHaveLength(1);
    expect(place([100], 0)).toEqual([]);
  });
});

describe('lanes', () => {
  it('shares the height of the design between bar, ghost, labels and strips', () => {
    const lanes = layOutLanes(162, { strips: 4, hasGhost: true, hasSpread: false });
    expect(lanes.strips).toHaveLength(4);
    expect(lanes.labelRows).toBe(1);
    expect(lanes.strips.map(isPlotted)).toEqual([true, true, false, false]);
    const last = lanes.strips.at(-1);
    expect((last?.topPx ?? 0) + (last?.heightPx ?? 0)).toBeLessThanOrEqual(162);
  });

  it('gives up the strips, then labels, never the bar', () => {
    const small = layOutLanes(60, { strips: 4, hasGhost: true, hasSpread: false });
    expect(small.strips).toEqual([]);
    expect(small.bar.heightPx).toBe(18);
    expect(layOutLanes(40, { strips: 4, hasGhost: false, hasSpread: false }).labelRows).toBe(0);
    expect(layOutLanes(800, { strips: 4, hasGhost: false, hasSpread: false }).strips[0]?.heightPx).toBe(64);
    expect(labelRowPx).toBe(13);
  });
});

describe('words and pictures', () => {
  const model = modelOf(
    timelineOf(
      lengths.map((length) => length * 1000),
      [mark(1e6, 'a<b')],
    ),
    null,
  );

  it('says the timeline in a sentence', () => {
    expect(describeTimeline(model).replaceAll('\u00a0', ' ')).toBe(
      'Cold start timeline, total 10.0 ms: prepare 1.00 ms, vmm 2.00 ms, kernel 1.00 ms, runtime 3.00 ms, function 2.00 ms, handler 700 µs, respond 300 µs',
    );
  });

  it('writes it as text with shares and marks', () => {
    const text = timelineToText(model);
    expect(text).toContain('Cold start  10.0 ms  cold, kvm');
    expect(text).toContain('runtime      3.00 ms    30.0 %');
    expect(text).toContain('1.00 ms  ± 0 ms  a<b  (guest, guest-tsc)');
  });

  it('draws it as a picture without unescaped text', () => {
    const svg = timelineToSvg(model, (name) => (name.startsWith('--font') ? '"Inter", sans-serif' : '#336699'));
    expect(svg).toContain('font-family="&quot;Inter&quot;, sans-serif"');
    expect(svg.match(/<rect[^>]+height="30"/g)).toHaveLength(7);
  });
});

describe('a series', () => {
  const spreadOf = (median: number, error = 0): Spread => ({
    count: 14,
    error,
    median,
    p5: median * 0.9,
    p95: median * 1.2,
    min: median * 0.8,
    max: median * 1.3,
    interval: { low: median * 0.95, high: median * 1.05 },
  });
  const lengthsMs = lengths.map((length) => length / 1000);
  const eachPhase = <Value>(make: (ms: number) => Value) =>
    Object.fromEntries(phaseNames.map((name, index) => [name, make(lengthsMs[index] ?? 0)])) as Record<
      PhaseName,
      Value
    >;
  const seriesOf = (count: number, factor: number) => ({
    functionName: 'hello',
    subject: {
      imageId: 'a'.repeat(64) as never,
      bundleId: 'b'.repeat(64) as never,
      host: 'qemu:///system',
      accel: 'tcg' as const,
      startMode: 'cold' as const,
      eventDigest: 'c'.repeat(64),
      commit: null,
    },
    runIds: Array.from({ length: count }, (_, index) => `mbcdefgh-${String(index).padStart(6, '0')}` as never),
    total: { ...spreadOf(10 * factor), count },
    phases: eachPhase((ms) => ({ ...spreadOf(ms * factor, 0.01), count })),
  });
  const comparison: Comparison = {
    baseline: seriesOf(14, 0.8),
    series: seriesOf(1, 1),
    differences: [],
    total: { deltaMs: 2, p: 0.03 },
    phases: eachPhase((ms) => ({ deltaMs: ms * 0.2, p: 0.03 })),
  };
  const timeline = timelineOf(lengths.map((length) => length * 1000));
  const plain = (text: string) => text.replaceAll('\u00a0', ' ');
  const model = modelOf(timeline, timeline, { comparison });

  it('TL-E3: gives each phase the median of its baseline and the percentiles around it, where this run has it', () => {
    comparisonSchema.parse(comparison);
    expect(model.spread.map(({ name }) => name)).toEqual([...phaseNames]);
    expect(model.spread[1]).toEqual({
      name: 'vmm',
      startNs: 1e6,
      lowNs: 1.44e6,
      medianNs: 1.6e6,
      highNs: 1.92e6,
      errorNs: 1e4,
    });
    expect(Object.values(spreadText(model, 'vmm') ?? {}).map((value) => plain(String(value)))).toEqual([
      '1.60 ms',
      '1.44 ms to 1.92 ms',
      '+400 µs',
      'p = 0.03',
      'true',
      '14',
    ]);
  });

  it('TL-E3: shows no spread of a baseline of one run', () => {
    const one = { ...comparison, baseline: seriesOf(1, 0.8) };
    expect(modelOf(timeline, timeline, { comparison: one }).spread).toEqual([]);
  });

  it('TL-E3: is part of what is exported', () => {
    expect(timelineToText(model)).toContain('2.00 ms slower than the median of 14 runs (p = 0.03)');
    expect(timelineToText(model)).toMatch(
      /vmm .* median of 14 {3}1\.60 ms .*1\.44 ms to 1\.92 ms .*\+400 µs {2}p = 0\.03/,
    );
    expect(JSON.parse(timelineToJson(model)).comparison.baseline.phases.vmm.p5).toBe(1.44);
    const svg = timelineToSvg(model, (name) => (name.startsWith('--font') ? 'sans-serif' : '#336699'));
    expect(svg).toContain('median of 14');
    expect(svg.match(/<path d="M[\d.]+ 100H/g)).toHaveLength(7);
  });

  it('has a row of its own between the bar and the previous run', () => {
    const lanes = layOutLanes(190, { strips: 4, hasGhost: true, hasSpread: true });
    expect(lanes.spread.topPx).toBe(lanes.bar.topPx + lanes.bar.heightPx);
    expect(lanes.ghost.topPx).toBeGreaterThanOrEqual(lanes.spread.topPx + lanes.spread.heightPx);
    // A panel made lower than it is at first: the strips keep their numbers.
    expect(layOutLanes(137, { strips: 4, hasGhost: true, hasSpread: true }).strips).toHaveLength(4);
    // The panel's room in windows of 1024 × 640 and 1280 × 800: processor time and memory have a curve.
    for (const heightPx of [161, 184]) {
      const { strips, labelRows } = layOutLanes(heightPx, { strips: 4, hasGhost: true, hasSpread: true });
      expect(strips.map(isPlotted)).toEqual([true, true, false, false]);
      expect(labelRows).toBeGreaterThanOrEqual(1);
      expect((strips[3]?.topPx ?? 0) + (strips[3]?.heightPx ?? 0)).toBeLessThanOrEqual(heightPx);
    }
    const window = { startNs: 0, endNs: 10_000 };
    expect(hitTest(model, lanes, window, 1000, 150, lanes.spread.topPx + 4).row).toBe('spread');
  });
});

describe('a restored start', () => {
  it('TL-15: has the load of its saved guest as a part of vmm, and others have none', () => {
    const marks = [mark(2e6, markNames.restoreAsked), mark(3e6, markNames.guestStarted)];
    const model = modelOf(timelineOf([1e6, 2e6, 0, 0, 0, 1e6], marks, { startMode: 'restored' }), null);
    expect(model.restore).toMatchObject({ name: 'vmm', startNs: 2e6, endNs: 3e6 });
    const words = describeTimeline(model).replaceAll('\u00a0', ' ');
    expect(words).toContain('prepare 1.00 ms, vmm 2.00 ms (of it restore 1.00 ms), function 1.00 ms');
    expect(modelOf(timelineOf([1e6, 2e6], [mark(3e6, markNames.guestStarted)]), null).restore).toBeNull();
  });
});

describe('a run that is under way', () => {
  it('grows on the axis of the run before it, and then on one that it never fills', () => {
    const before = timelineOf(lengths.map((length) => length * 10_000));
    const soFar = (ms: number) => timelineOf([ms * 1e6], [], { complete: false });
    const fitOf = (ms: number, previous: BootTimeline | null) =>
      Math.round(modelOf(soFar(ms), previous, { underWay: true }).fit.endNs / 1.015e6);
    expect([10, 99].map((ms) => fitOf(ms, before))).toEqual([100, 100]);
    expect([120, 199, 480].map((ms) => fitOf(ms, before))).toEqual([200, 500, 1000]);
    expect([1, 20].map((ms) => fitOf(ms, null))).toEqual([100, 100]);
  });

  it('says how far it is, not that it ended', () => {
    const model = modelOf(timelineOf([1e6, 2e6], [], { complete: false }), null, { underWay: true });
    expect(describeTimeline(model).replaceAll('\u00a0', ' ')).toContain('so far 3.00 ms: prepare 1.00 ms, vmm 2.00 ms');
  });
});
