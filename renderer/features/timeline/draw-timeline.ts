import { drawAxis, drawOverlay } from './draw-axis.ts';
import { drawMarks } from './draw-marks.ts';
import { drawPhases } from './draw-phases.ts';
import { drawStrips } from './draw-strips.ts';
import type { Ctx, Scene } from './scene.ts';

/** Draws one frame of the timeline. Units: `density` is device pixels per CSS pixel. */
export function drawTimeline(ctx: Ctx, scene: Scene, density: number): void {
  ctx.setTransform(density, 0, 0, density, 0, 0);
  ctx.textBaseline = 'middle';
  ctx.fillStyle = scene.tokens.get('--bg-inset');
  ctx.fillRect(0, 0, scene.widthPx, scene.heightPx);
  drawAxis(ctx, scene);
  drawStrips(ctx, scene);
  drawPhases(ctx, scene);
  drawMarks(ctx, scene);
  drawOverlay(ctx, scene);
}
