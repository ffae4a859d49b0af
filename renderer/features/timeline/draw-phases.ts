import { formatNs, formatNsChange, formatNsDelta } from '../../ui/instrument-format.ts';
import { inkOn, withAlpha } from '../../ui/instrument-theme.ts';
import type { Lane } from './lanes.ts';
import { type Ctx, crisp, fitText, phaseColour, type Scene, uiFont, xOf } from './scene.ts';
import type { Segment } from './timeline-model.ts';
import { changeOf } from './timeline-text.ts';

/** Under this many pixels an error bound cannot be told from a sharp edge. */
const sharpPx = 0.75;
const textInsetPx = 6;
/** Phases that are not the selected one recede to this opacity. */
const recededAlpha = 0.38;

/** Draws the run's phases, the work done ahead of the click, and the previous run as a ghost. */
export function drawPhases(ctx: Ctx, scene: Scene): void {
  const { model, lanes } = scene;
  for (const segment of model.ahead) drawAhead(ctx, scene, lanes.bar, segment);
  for (const segment of model.segments) drawSegment(ctx, scene, lanes.bar, segment);
  drawJoints(ctx, scene, lanes.bar);
  for (const segment of model.segments) drawText(ctx, scene, lanes.bar, segment);
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

/** Fades in over the starting edge's error bound and out over the other's: each edge is as wide as it is unsure. */
function drawSegment(ctx: Ctx, scene: Scene, lane: Lane, segment: Segment): void {
  const perNs = scene.widthPx / (scene.window.endNs - scene.window.startNs);
  const inPx = segment.errorNs * perNs;
  const outPx = segment.endErrorNs * perNs;
  const extent = visible(scene, segment, Math.max(inPx, outPx));
  if (extent === null) return;
  const colour = phaseColour(scene, segment.name);
  const strength = scene.selected === null || scene.selected === segment.name ? 1 : recededAlpha;
  if (inPx < sharpPx && outPx < sharpPx) {
    ctx.fillStyle = withAlpha(colour, strength);
    // A phase too short to see still shows as a hair.
    ctx.fillRect(extent.left, lane.topPx, Math.max(extent.right - extent.left, 0.75), lane.heightPx);
    return;
  }
  const start = xOf(scene, segment.startNs);
  const end = xOf(scene, segment.endNs);
  const from = start - inPx;
  const to = end + outPx;
  const gradient = ctx.createLinearGradient(from, 0, to, 0);
  const stop = (px: number, alpha: number) =>
    gradient.addColorStop(Math.min(1, Math.max(0, (px - from) / (to - from))), withAlpha(colour, alpha * strength));
  const full = start + inPx;
  const fade = end - outPx;
  stop(from, inPx < sharpPx ? 1 : 0);
  if (full <= fade) {
    stop(full, 1);
    stop(fade, 1);
  } else {
    // Both edges are unsure beyond the middle: nowhere is it certain that this phase was under way.
    const peak = (to - from) / (2 * (inPx + outPx));
    stop(from + 2 * inPx * peak, peak);
  }
  stop(to, outPx < sharpPx ? 1 : 0);
  ctx.fillStyle = gradient;
  const left = Math.max(extent.left, from);
  ctx.fillRect(left, lane.topPx, Math.min(extent.right, to) - left, lane.heightPx);
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

function drawText(ctx: Ctx, scene: Scene, lane: Lane, segment: Segment): void {
  const extent = visible(scene, segment);
  if (extent === null || extent.right - extent.left < 14) return;
  const left = Math.max(0, extent.left);
  const room = Math.min(scene.widthPx, extent.right) - left - 2 * textInsetPx;
  const receded = scene.selected !== null && scene.selected !== segment.name;
  ctx.font = uiFont(scene, 11, 550);
  const duration = formatNs(segment.endNs - segment.startNs);
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
    [`${formatNs(segment.endNs - segment.startNs)}, now ${formatNsChange(change)}`, `now ${formatNsDelta(change)}`],
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
  const duration = formatNs(segment.endNs - segment.startNs);
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
  const { timeline } = scene.model;
  if (timeline === null || timeline.complete) return;
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
