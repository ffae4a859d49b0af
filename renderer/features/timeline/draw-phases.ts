import { formatNsChange, formatNsDelta } from '../../ui/instrument-format.ts';
import { inkOn, withAlpha } from '../../ui/instrument-theme.ts';
import { drawSpread } from './draw-spread.ts';
import { changeError, lengthText } from './figures.ts';
import type { Lane } from './lanes.ts';
import { type Ctx, crisp, fitText, phaseColour, type Scene, uiFont, xOf } from './scene.ts';
import type { Segment } from './timeline-model.ts';
import { changeOf } from './timeline-text.ts';

/** Under this many pixels an error bound cannot be distinguished from a sharp edge. */
const sharpPx = 0.75;
/** From this error on there is room for a stripe of each colour. */
const hatchFromPx = 4;
const stripePx = 2;
const textInsetPx = 6;
const restoreBandPx = 4;
/** Phases that are not the selected one recede to this opacity. */
const recededAlpha = 0.38;

/** Draws the run's phases, the work done ahead of the click, and the previous run as a ghost. */
export function drawPhases(ctx: Ctx, scene: Scene): void {
  const { model, lanes } = scene;
  for (const segment of model.ahead) drawAhead(ctx, scene, lanes.bar, segment);
  for (const segment of model.segments) drawSegment(ctx, scene, lanes.bar, segment);
  drawHatches(ctx, scene, lanes.bar);
  drawJoints(ctx, scene, lanes.bar);
  if (model.restore !== null) drawRestore(ctx, scene, lanes.bar, model.restore);
  for (const segment of model.segments) drawText(ctx, scene, lanes.bar, segment);
  if (lanes.spread.heightPx > 0) drawSpread(ctx, scene);
  if (lanes.ghost.heightPx > 0) for (const segment of model.ghost) drawGhost(ctx, scene, lanes.ghost, segment);
  drawEnd(ctx, scene);
}

interface Extent {
  readonly left: number;
  readonly right: number;
}

/** The visible part of a segment; null when there is none. */
function visible(scene: Scene, segment: Segment, marginPx = 0): Extent | null {
  if (segment.endNs <= segment.startNs) return null;
  const left = Math.max(-2, xOf(scene, segment.startNs) - marginPx);
  const right = Math.min(scene.widthPx + 2, xOf(scene, segment.endNs) + marginPx);
  return right > left ? { left, right } : null;
}

/** A whole number of pixels: a fraction would be blended with the phase beside it. */
const snap = (px: number): number => Math.round(px);

function drawSegment(ctx: Ctx, scene: Scene, lane: Lane, segment: Segment): void {
  const extent = visible(scene, segment);
  if (extent === null) return;
  const left = snap(extent.left);
  ctx.fillStyle = fillOf(scene, segment);
  // A phase too short to see still shows as a hair.
  ctx.fillRect(left, lane.topPx, Math.max(snap(extent.right) - left, 1), lane.heightPx);
}

const fillOf = (scene: Scene, { name }: Segment): string =>
  withAlpha(phaseColour(scene, name), scene.selected === null || scene.selected === name ? 1 : recededAlpha);

/** Hatches both phases over the error bound of the edge between them: each stripe has the colour of one (rule TL-E2). */
function drawHatches(ctx: Ctx, scene: Scene, lane: Lane): void {
  const perNs = scene.widthPx / (scene.window.endNs - scene.window.startNs);
  const there = scene.model.segments.filter((segment) => segment.endNs > segment.startNs);
  for (const [index, after] of there.entries()) {
    const before = there[index - 1];
    const halfPx = after.errorNs * perNs;
    if (before === undefined || halfPx < hatchFromPx) continue;
    const edge = snap(xOf(scene, after.startNs));
    hatch(ctx, lane, snap(edge - halfPx), edge, fillOf(scene, after), scene.widthPx);
    hatch(ctx, lane, edge, snap(edge + halfPx), fillOf(scene, before), scene.widthPx);
  }
}

/** Upright stripes of one colour over every other part of a stretch, counted from the window's left. */
function hatch(ctx: Ctx, lane: Lane, from: number, to: number, fill: string, widthPx: number): void {
  ctx.fillStyle = fill;
  const left = Math.max(0, from);
  const right = Math.min(widthPx, to);
  for (let x = left - (left % (2 * stripePx)); x < right; x += 2 * stripePx) {
    const start = Math.max(left, x);
    const end = Math.min(right, x + stripePx);
    if (end > start) ctx.fillRect(start, lane.topPx, end - start, lane.heightPx);
  }
}

/** A hairline of background between phases whose joint is sharp. */
function drawJoints(ctx: Ctx, scene: Scene, lane: Lane): void {
  const perNs = scene.widthPx / (scene.window.endNs - scene.window.startNs);
  ctx.fillStyle = scene.tokens.get('--bg-inset');
  for (const segment of scene.model.segments) {
    const wide = (segment.endNs - segment.startNs) * perNs > 4;
    if (segment.startNs === 0 || !wide || segment.errorNs * perNs >= sharpPx) continue;
    ctx.fillRect(Math.round(xOf(scene, segment.startNs)), lane.topPx, 1, lane.heightPx);
  }
}

/** A band along the bottom of its phase: the load of a saved guest. */
function drawRestore(ctx: Ctx, scene: Scene, lane: Lane, restore: Segment): void {
  const extent = visible(scene, restore);
  if (extent === null) return;
  const left = snap(extent.left);
  ctx.fillStyle = scene.tokens.get('--fg');
  const topPx = lane.topPx + lane.heightPx - restoreBandPx;
  ctx.fillRect(left, topPx, Math.max(snap(extent.right) - left, 1), restoreBandPx);
}

function drawText(ctx: Ctx, scene: Scene, lane: Lane, segment: Segment): void {
  const extent = visible(scene, segment);
  if (extent === null || extent.right - extent.left < 14) return;
  const left = Math.max(0, extent.left);
  const room = Math.min(scene.widthPx, extent.right) - left - 2 * textInsetPx;
  const receded = scene.selected !== null && scene.selected !== segment.name;
  ctx.font = uiFont(scene, 11, 550);
  const duration = lengthText(segment);
  const text = fitText(ctx, [`${segment.name}  ${duration}`, segment.name, duration], room);
  if (text !== null) {
    ctx.fillStyle = receded ? scene.tokens.get('--fg') : inkOn(phaseColour(scene, segment.name));
    ctx.fillText(text, left + textInsetPx, lane.topPx + lane.heightPx / 2 + 0.5);
  }
  if (scene.selected === segment.name) {
    ctx.strokeStyle = scene.tokens.get('--fg');
    ctx.lineWidth = 1.5;
    ctx.strokeRect(extent.left + 0.75, lane.topPx + 0.75, extent.right - extent.left - 1.5, lane.heightPx - 1.5);
  }
}

function drawGhost(ctx: Ctx, scene: Scene, lane: Lane, segment: Segment): void {
  const extent = visible(scene, segment);
  if (extent === null) return;
  const colour = phaseColour(scene, segment.name);
  ctx.fillStyle = withAlpha(colour, scene.tokens.theme === 'dark' ? 0.26 : 0.2);
  ctx.fillRect(extent.left, lane.topPx, extent.right - extent.left, lane.heightPx);
  ctx.fillStyle = withAlpha(colour, 0.75);
  ctx.fillRect(extent.left, lane.topPx, 1, lane.heightPx);
  const change = changeOf(scene.model, segment);
  if (change === null) return;
  ctx.font = uiFont(scene, 10);
  const left = Math.max(0, extent.left);
  const text = fitText(
    ctx,
    [
      `${lengthText(segment)}, now ${formatNsChange(change, changeError(scene.model, segment))}`,
      `now ${formatNsDelta(change, changeError(scene.model, segment))}`,
    ],
    Math.min(scene.widthPx, extent.right) - left - 8,
  );
  if (text === null) return;
  ctx.fillStyle = scene.tokens.get('--fg');
  ctx.fillText(text, left + 5, lane.topPx + lane.heightPx / 2 + 0.5);
}

/** Work done ahead of the click: hatched, so that it never reads as time a person waited. */
function drawAhead(ctx: Ctx, scene: Scene, lane: Lane, segment: Segment): void {
  const extent = visible(scene, segment);
  if (extent === null) return;
  const { left, right } = extent;
  const colour = phaseColour(scene, segment.name);
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, lane.topPx, right - left, lane.heightPx);
  ctx.clip();
  ctx.fillStyle = withAlpha(colour, 0.12);
  ctx.fill();
  ctx.strokeStyle = withAlpha(colour, 0.7);
  ctx.lineWidth = 1.5;
  ctx.beginPath();
  for (let x = Math.floor(left / 7) * 7 - lane.heightPx; x < right; x += 7) {
    ctx.moveTo(x, lane.topPx + lane.heightPx);
    ctx.lineTo(x + lane.heightPx, lane.topPx);
  }
  ctx.stroke();
  ctx.font = uiFont(scene, 11, 550);
  const inView = Math.max(0, left);
  const duration = lengthText(segment);
  const texts = [`${segment.name}  ${duration}  ahead of the click`, `${segment.name}  ${duration}`, segment.name];
  const text = fitText(ctx, texts, Math.min(scene.widthPx, right) - inView - 16);
  if (text !== null) {
    ctx.fillStyle = withAlpha(scene.tokens.get('--bg-inset'), 0.88);
    ctx.fillRect(inView + 3, lane.topPx + 4, ctx.measureText(text).width + 8, lane.heightPx - 8);
    ctx.fillStyle = scene.tokens.get('--fg');
    ctx.fillText(text, inView + 7, lane.topPx + lane.heightPx / 2 + 0.5);
  }
  ctx.restore();
}

/** The end of a start that never answered: a red edge and the word. */
function drawEnd(ctx: Ctx, scene: Scene): void {
  const { model } = scene;
  const { timeline } = model;
  if (timeline === null || timeline.complete || model.underWay) return;
  const { bar } = scene.lanes;
  const x = crisp(xOf(scene, timeline.totalNs));
  ctx.strokeStyle = scene.tokens.get('--danger');
  ctx.lineWidth = 2;
  ctx.beginPath();
  ctx.moveTo(x, bar.topPx - 2);
  ctx.lineTo(x, bar.topPx + bar.heightPx + 3);
  ctx.stroke();
  ctx.font = uiFont(scene, 11, 550);
  const text = 'ended here, no response';
  const room = scene.widthPx - x - 8;
  const width = ctx.measureText(text).width;
  ctx.fillStyle = scene.tokens.get('--danger');
  if (room >= width) ctx.fillText(text, x + 6, bar.topPx + bar.heightPx / 2 + 0.5);
}
