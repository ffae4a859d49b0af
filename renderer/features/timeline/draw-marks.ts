import type { Mark } from '#shared/model/timeline.ts';
import { withAlpha } from '../../ui/instrument-theme.ts';
import { labelRowPx, markStemPx } from './lanes.ts';
import { placeLabels } from './mark-labels.ts';
import { type Ctx, crisp, type Scene, uiFont, xOf } from './scene.ts';
import { marksWithin } from './timeline-model.ts';

/** With more than one mark per so many pixels, heads would overlap: only ticks are drawn. */
const headEveryPx = 7;
const headPx = 2.5;

/** Draws the marks of the visible window: ticks, error bounds, heads by source, and labels that do not overlap. */
export function drawMarks(ctx: Ctx, scene: Scene): void {
  const { model, lanes, window, widthPx, tokens } = scene;
  const { marks: lane } = lanes;
  const [from, to] = marksWithin(model, window.startNs, window.endNs);
  drawErrors(ctx, scene, from, to);
  ctx.fillStyle = tokens.get('--fg-faint');
  const top = lane.topPx - 1;
  const height = markStemPx + 1;
  let last = Number.NEGATIVE_INFINITY;
  for (let i = from; i < to; i++) {
    const x = Math.round(xOf(scene, model.markAtNs[i] as number));
    if (x === last) continue;
    last = x;
    ctx.fillRect(x, top, 1, height);
  }
  const withHeads = to - from <= widthPx / headEveryPx;
  drawLabels(ctx, scene, withHeads);
}

function drawErrors(ctx: Ctx, scene: Scene, from: number, to: number): void {
  const { model, lanes, widthPx, window } = scene;
  const perNs = widthPx / (window.endNs - window.startNs);
  ctx.fillStyle = withAlpha(scene.tokens.get('--fg-muted'), 0.3);
  const y = lanes.marks.topPx + 1;
  let drawnTo = Number.NEGATIVE_INFINITY;
  for (let i = from; i < to; i++) {
    const halfPx = (model.markErrorNs[i] as number) * perNs;
    if (halfPx < 1) continue;
    const x = xOf(scene, model.markAtNs[i] as number);
    // Overlapping bounds are drawn once, or a crowd of marks would cost a rectangle each and read as a solid band.
    const left = Math.max(drawnTo, x - halfPx);
    if (x + halfPx - left < 0.5) continue;
    ctx.fillRect(left, y, x + halfPx - left, 2);
    drawnTo = x + halfPx;
  }
}

function drawLabels(ctx: Ctx, scene: Scene, withHeads: boolean): void {
  const { model, lanes, tokens, window, widthPx } = scene;
  const lane = lanes.marks;
  ctx.font = labelFont(scene);
  const labels = placeLabels(model, window, widthPx, lanes.labelRows, scene.labelWidth);
  const muted = tokens.get('--fg-muted');
  const strong = tokens.get('--fg');
  const faint = withAlpha(tokens.get('--fg-faint'), 0.55);
  for (const label of labels) {
    const x = Math.round(label.xPx);
    const y = lane.topPx + markStemPx + label.row * labelRowPx;
    ctx.fillStyle = faint;
    ctx.fillRect(x, lane.topPx + markStemPx - 1, 1, label.row * labelRowPx + labelRowPx - 2);
    ctx.fillStyle = label.mark === scene.cursorMark ? strong : muted;
    ctx.fillText((model.marks[label.mark] as Mark).label, label.textPx, y + labelRowPx / 2);
  }
  if (!withHeads) return;
  const [from, to] = marksWithin(model, window.startNs, window.endNs);
  for (let i = from; i < to; i++) {
    const mark = model.marks[i] as Mark;
    ctx.fillStyle = i === scene.cursorMark ? strong : muted;
    drawHead(ctx, mark.source, crisp(xOf(scene, mark.atNs)), lane.topPx + 1);
  }
}

/** The font of mark labels; also what `labelWidth` measures with. */
export const labelFont = (scene: Pick<Scene, 'tokens'>): string => uiFont(scene as Scene, 10);

/** One shape per source, so that the observer of a mark can be recognised without its colour. */
export function drawHead(ctx: Ctx, source: Mark['source'], x: number, y: number): void {
  ctx.beginPath();
  if (source === 'guest') ctx.arc(x, y, headPx, 0, 2 * Math.PI);
  else if (source === 'serial') ctx.rect(x - headPx, y - headPx, 2 * headPx, 2 * headPx);
  else if (source === 'host')
    polygon(ctx, x, y, [
      [-3, -2.5],
      [3, -2.5],
      [0, 3],
    ]);
  else if (source === 'libvirt')
    polygon(ctx, x, y, [
      [0, -3.5],
      [3.5, 0],
      [0, 3.5],
      [-3.5, 0],
    ]);
  else
    polygon(ctx, x, y, [
      [-3, 2.5],
      [3, 2.5],
      [0, -3],
    ]);
  ctx.fill();
}

function polygon(ctx: Ctx, x: number, y: number, points: readonly (readonly [number, number])[]): void {
  for (const [dx, dy] of points) ctx.lineTo(x + dx, y + dy);
  ctx.closePath();
}
