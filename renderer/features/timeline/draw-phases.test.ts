import { expect, it } from 'vitest';
import { phaseNames } from '#shared/model/timeline.ts';
import { ns } from '#shared/model/units.ts';
import { drawPhases } from './draw-phases.ts';
import { layOutLanes } from './lanes.ts';
import type { Ctx, Scene } from './scene.ts';
import { buildModel } from './timeline-model.ts';

/** A context that keeps the bar's rectangles wider than a joint as `[left, right]`, and each gradient's stops. */
function makeRecorder(lanes: Scene['lanes']) {
  const extents: [left: number, right: number][] = [];
  const stops: [left: number, right: number, alphas: string[]][] = [];
  const context = {
    fillRect: (x: number, y: number, width: number) => {
      if (y === lanes.bar.topPx && width > 1) extents.push([x, x + width]);
    },
    createLinearGradient: (left: number, _top: number, right: number) => {
      const alphas: string[] = [];
      stops.push([left, right, alphas]);
      return { addColorStop: (at: number, colour: string) => alphas.push(`${at.toFixed(2)} ${colour.slice(7)}`) };
    },
    measureText: () => ({ width: 1e9 }),
    fillText: () => undefined,
    font: '',
    fillStyle: '',
  };
  return { context: context as unknown as Ctx, extents, stops };
}

it('fades a phase over the error bounds of its edges, and draws nothing beyond them', () => {
  const phases = phaseNames.map((name, index) => ({
    name,
    startNs: ns([0, 100, 400, 400, 400, 400, 400, 400][index] ?? 0),
    durationNs: ns([100, 300, 0, 0, 0, 0, 0, 600][index] ?? 0),
    errorNs: ns(index >= 2 ? 50 : 0),
  }));
  const model = buildModel(
    { startMode: 'cold', accel: 'kvm', totalNs: ns(1000), complete: true, phases, ahead: null, marks: [] },
    null,
  );
  const lanes = layOutLanes(160, 4, false);
  const { context, extents, stops } = makeRecorder(lanes);
  drawPhases(context, {
    model,
    lanes,
    series: [],
    window: { startNs: 0, endNs: 1000 },
    widthPx: 1000,
    heightPx: 160,
    tokens: { theme: 'dark', get: () => '#336699' },
    selected: null,
    cursorNs: null,
    cursorMark: -1,
    range: null,
    labelWidth: () => 0,
  });
  expect(extents).toEqual([
    [0, 100],
    [100, 450],
    [350, 1000],
  ]);
  expect(stops).toEqual([
    [100, 450, ['0.00 ff', '0.00 ff', '0.71 ff', '1.00 00']],
    [350, 1000, ['0.00 00', '0.15 ff', '1.00 ff', '1.00 ff']],
  ]);
});
