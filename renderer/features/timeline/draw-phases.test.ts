import { expect, it } from 'vitest';
import { phaseNames } from '#shared/model/timeline.ts';
import { ns } from '#shared/model/units.ts';
import { markNames } from '#shared/timeline/index.ts';
import { drawPhases } from './draw-phases.ts';
import { layOutLanes } from './lanes.ts';
import type { Ctx, Scene } from './scene.ts';
import { buildModel } from './timeline-model.ts';

/** A context that records the fills in the bar's lane: left edge, right edge and colour. */
function makeRecorder(lanes: Scene['lanes']) {
  const fills: { left: number; right: number; colour: string }[] = [];
  const context = {
    fillRect(x: number, y: number, width: number) {
      if (y === lanes.bar.topPx) fills.push({ left: x, right: x + width, colour: this.fillStyle });
    },
    measureText: () => ({ width: 1e9 }),
    fillText: () => undefined,
    font: '',
    fillStyle: '',
  };
  /** The colour on top at each pixel of the bar. */
  const pixels = (widthPx: number) =>
    Array.from({ length: widthPx }, (_, x) => fills.findLast(({ left, right }) => x >= left && x < right)?.colour);
  return { context: context as unknown as Ctx, fills, pixels };
}

const colours: Readonly<Record<string, string>> = {
  '--phase-prepare': '#111111',
  '--phase-vmm': '#222222',
  '--phase-respond': '#888888',
  '--bg-inset': '#000000',
};

it.each([1000, 737, 90])(
  'TL-E2: gives each pixel the colour of one phase, and hatches an uncertain edge, at %i px',
  (widthPx) => {
    const phases = phaseNames.map((name, index) => ({
      name,
      startNs: ns([0, 100, 400, 400, 400, 400, 400, 400][index] ?? 0),
      durationNs: ns([100, 300, 0, 0, 0, 0, 0, 600][index] ?? 0),
      errorNs: ns(index >= 2 ? 50 : 0),
    }));
    const timeline = { totalNs: ns(1000), complete: true, phases, ahead: null, marks: [] };
    const model = buildModel({ timeline: { startMode: 'cold', accel: 'kvm', ...timeline }, previous: null });
    const lanes = layOutLanes(160, { strips: 4, hasGhost: false, hasSpread: false });
    const { context, fills, pixels } = makeRecorder(lanes);
    drawPhases(context, {
      model,
      lanes,
      series: [],
      window: { startNs: 0, endNs: 1000 },
      widthPx,
      heightPx: 160,
      tokens: { theme: 'dark', get: (name) => colours[name] ?? '#777777' },
      selected: null,
      cursorNs: null,
      cursorMark: -1,
      range: null,
      labelWidth: () => 0,
    });
    for (const { left, right } of fills) expect([left % 1, right % 1]).toEqual([0, 0]);
    const drawn = pixels(widthPx).map((colour) => colour?.slice(0, 7));
    const at = (atNs: number) => Math.round((atNs / 1000) * widthPx);
    const within = (fromNs: number, toNs: number) => new Set(drawn.slice(at(fromNs) + 1, at(toNs) - 1));
    expect(within(0, 100)).toEqual(new Set(['#111111']));
    expect(within(100, 350)).toEqual(new Set(['#222222']));
    expect(within(450, 1000)).toEqual(new Set(['#888888']));
    expect(new Set(drawn.slice(at(350), at(450)))).toEqual(new Set(['#222222', '#888888']));
  },
);

it('draws the load of a saved guest as a band along its part of vmm', () => {
  const phases = phaseNames.map((name, index) => ({
    name,
    startNs: ns([0, 100, 900, 900, 900, 900, 900, 900][index] ?? 0),
    durationNs: ns([100, 800, 0, 0, 0, 0, 0, 100][index] ?? 0),
    errorNs: ns(0),
  }));
  const host = { label: '', source: 'libvirt', clock: 'host-monotonic', errorNs: ns(0) } as const;
  const marks = [
    { ...host, name: markNames.restoreAsked, atNs: ns(700) },
    { ...host, name: markNames.guestStarted, atNs: ns(900) },
  ];
  const timeline = { totalNs: ns(1000), complete: true, phases, ahead: null, marks };
  const model = buildModel({ timeline: { startMode: 'restored', accel: 'kvm', ...timeline }, previous: null });
  const lanes = layOutLanes(160, { strips: 4, hasGhost: false, hasSpread: false });
  const { topPx, heightPx } = lanes.bar;
  const bands: number[][] = [];
  const { context } = makeRecorder(lanes);
  const fillRect = (x: number, y: number, width: number, height: number) =>
    void (y > topPx && bands.push([x, y + height, x + width]));
  drawPhases({ ...context, fillRect } as unknown as Ctx, {
    model,
    lanes,
    series: [],
    window: { startNs: 0, endNs: 1000 },
    widthPx: 1000,
    heightPx: 160,
    tokens: { theme: 'dark', get: (name) => colours[name] ?? '#777777' },
    selected: null,
    cursorNs: null,
    cursorMark: -1,
    range: null,
    labelWidth: () => 0,
  });
  expect(bands).toEqual([[700, topPx + heightPx, 900]]);
});
