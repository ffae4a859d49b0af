import { lowerBound } from '../../ui/instrument-rates.ts';
import { withAlpha } from '../../ui/instrument-theme.ts';
import { isPlotted, type Lane } from './lanes.ts';
import type { ResourceSeries } from './resource-series.ts';
import { type Ctx, type Scene, uiFont, xOf } from './scene.ts';
import type { TimelineModel } from './timeline-model.ts';

/** Draws CPU, memory, disk and network under the phases, on the same axis. */
export function drawStrips(ctx: Ctx, scene: Scene): void {
  const { lanes, series, tokens, widthPx } = scene;
  for (const [index, lane] of lanes.strips.entries()) {
    ctx.fillStyle = withAlpha(tokens.get('--border'), 0.9);
    ctx.fillRect(0, lane.topPx + lane.heightPx, widthPx, 1);
    const one = series[index];
    if (one !== undefined && isPlotted(lane)) drawStrip(ctx, scene, lane, one);
  }
  const first = lanes.strips[0];
  if (first === undefined || !isPlotted(first) || hasDataInView(scene)) return;
  ctx.font = uiFont(scene, 10);
  ctx.fillStyle = tokens.get('--fg-faint');
  ctx.fillText(
    emptyText(scene.model, series[0]?.atNs.length),
    Math.max(8, Math.min(xOf(scene, 0), widthPx / 2) + 6),
    first.topPx + first.heightPx / 2,
  );
}

/** The reason for a strip without a curve. */
export function emptyText(
  { timeline, underWay }: Pick<TimelineModel, 'timeline' | 'underWay'>,
  count: number | undefined,
): string {
  if (count === 1) return 'one resource sample: a rate takes two';
  if (count !== 0) return 'no resource samples in this stretch';
  if (underWay) return 'resources are drawn when the run has ended';
  return timeline === null ? 'no resource samples yet' : 'no resource samples for this run';
}

/** A sample describes the stretch since the one before it, so one just after the window still counts. */
function hasDataInView({ series, window }: Scene): boolean {
  const atNs = series[0]?.atNs;
  if (atNs === undefined || atNs.length < 2) return false;
  const next = lowerBound(atNs, window.startNs);
  return next < atNs.length && (next > 0 || (atNs[0] as number) < window.endNs);
}

function drawStrip(ctx: Ctx, scene: Scene, lane: Lane, series: ResourceSeries): void {
  const { window, widthPx, tokens } = scene;
  const { atNs, values } = series;
  // All values unknown: there is nothing to scale.
  if (Number.isNaN(series.most)) return;
  const top = Math.max(series.most, series.full);
  const floor = lane.topPx + lane.heightPx;
  const first = Math.max(1, lowerBound(atNs, window.startNs));
  const line = new Path2D();
  const area = new Path2D();
  let joined = false;
  for (let i = first; i < atNs.length; i++) {
    const left = Math.max(-1, xOf(scene, atNs[i - 1] as number));
    if (left > widthPx) break;
    const value = values[i] as number;
    if (Number.isNaN(value)) {
      joined = false;
      continue;
    }
    const right = Math.min(widthPx + 1, xOf(scene, atNs[i] as number));
    const y = floor - Math.min(1, value / top) * (lane.heightPx - 2);
    // Each value is the mean over its stretch: a step shows that; a slope would invent values in between.
    area.rect(left, y, right - left, floor - y);
    if (joined) line.lineTo(left, y);
    else line.moveTo(left, y);
    line.lineTo(right, y);
    joined = true;
  }
  ctx.fillStyle = withAlpha(tokens.get('--fg-faint'), 0.22);
  ctx.fill(area);
  ctx.strokeStyle = tokens.get('--fg-muted');
  ctx.lineWidth = 1;
  ctx.stroke(line);
}
