import { timeTickFormat } from '../../ui/instrument-format.ts';
import { withAlpha } from '../../ui/instrument-theme.ts';
import { instantError, windowError } from './figures.ts';
import { type Ctx, crisp, monoFont, type Scene, uiFont, xOf } from './scene.ts';
import { findTicks, spanNs } from './time-scale.ts';
import { describeRange } from './timeline-text.ts';

/** Room a tick's text needs, air included: `1,234.567 ms` in 10 px type. */
const tickGapPx = 84;

/** Draws the axis: round ticks with their times and a grid through all rows; the click and the time before it. */
export function drawAxis(ctx: Ctx, scene: Scene): void {
  const { window, widthPx, heightPx, lanes, tokens } = scene;
  const ticks = findTicks(window, widthPx, tickGapPx, windowError(scene.model, window));
  const format = timeTickFormat(ticks.stepNs, Math.max(Math.abs(window.startNs), Math.abs(window.endNs)));
  const clickX = xOf(scene, 0);
  if (clickX > 0) {
    ctx.fillStyle = withAlpha(tokens.get('--fg-faint'), 0.07);
    ctx.fillRect(0, lanes.axis.heightPx, Math.min(widthPx, clickX), heightPx - lanes.axis.heightPx);
  }
  ctx.font = monoFont(scene, 10);
  const grid = withAlpha(tokens.get('--border'), 0.75);
  for (const atNs of ticks.atNs) {
    const x = crisp(xOf(scene, atNs));
    ctx.fillStyle = atNs === 0 ? tokens.get('--fg-faint') : grid;
    ctx.fillRect(x - 0.5, atNs === 0 ? 2 : lanes.axis.heightPx - 4, 1, heightPx);
    const text = format.format(atNs);
    const width = ctx.measureText(text).width;
    if (x + 4 + width > widthPx) continue;
    ctx.fillStyle = tokens.get('--fg-muted');
    ctx.fillText(text, x + 4, lanes.axis.heightPx / 2);
  }
}

/** Draws the interactive parts: the measured span and the crosshair. */
export function drawOverlay(ctx: Ctx, scene: Scene): void {
  if (scene.range !== null) drawRange(ctx, scene);
  if (scene.cursorNs !== null) drawCrosshair(ctx, scene, scene.cursorNs);
}

function drawRange(ctx: Ctx, scene: Scene): void {
  const { range, heightPx, widthPx, tokens, lanes, model } = scene;
  if (range === null) return;
  const left = Math.max(-1, xOf(scene, range.startNs));
  const right = Math.min(widthPx + 1, xOf(scene, range.endNs));
  if (right <= left) return;
  const accent = tokens.get('--accent');
  ctx.fillStyle = withAlpha(accent, 0.14);
  ctx.fillRect(left, 0, right - left, heightPx);
  ctx.fillStyle = accent;
  ctx.fillRect(left, 0, 1, heightPx);
  ctx.fillRect(right - 1, 0, 1, heightPx);
  chip(
    ctx,
    scene,
    describeRange(model, range),
    (left + right) / 2,
    lanes.axis.heightPx,
    accent,
    tokens.get('--accent-fg'),
  );
}

function drawCrosshair(ctx: Ctx, scene: Scene, cursorNs: number): void {
  const x = crisp(xOf(scene, cursorNs));
  if (x < 0 || x > scene.widthPx) return;
  ctx.fillStyle = withAlpha(scene.tokens.get('--fg'), 0.7);
  ctx.fillRect(x - 0.5, 0, 1, scene.heightPx);
  if (scene.range !== null) return;
  const step = Math.max(spanNs(scene.window) / scene.widthPx, cursorError(scene, cursorNs));
  const format = timeTickFormat(10 ** Math.floor(Math.log10(step)), Math.max(Math.abs(cursorNs), step));
  chip(
    ctx,
    scene,
    format.format(cursorNs),
    x,
    scene.lanes.axis.heightPx,
    scene.tokens.get('--fg'),
    scene.tokens.get('--bg'),
  );
}

/** The error of the crosshair's instant: that of its mark, else of the marks around it. */
const cursorError = ({ model, cursorMark }: Scene, cursorNs: number): number =>
  model.markErrorNs[cursorMark] ?? instantError(model, cursorNs);

/** A line of text on a small plate in the axis, kept within the plot. */
function chip(
  ctx: Ctx,
  scene: Scene,
  text: string,
  middle: number,
  heightPx: number,
  plate: string,
  ink: string,
): void {
  ctx.font = uiFont(scene, 10, 600);
  const width = ctx.measureText(text).width + 10;
  const left = Math.round(Math.min(scene.widthPx - width, Math.max(0, middle - width / 2)));
  ctx.fillStyle = plate;
  ctx.beginPath();
  ctx.roundRect(left, 1, width, heightPx - 3, 3);
  ctx.fill();
  ctx.fillStyle = ink;
  ctx.fillText(text, left + 5, heightPx / 2);
}
