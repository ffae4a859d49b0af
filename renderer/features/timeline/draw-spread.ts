import { withAlpha } from '../../ui/instrument-theme.ts';
import { isSpread } from './figures.ts';
import { type Ctx, crisp, phaseColour, type Scene, xOf } from './scene.ts';

/** Whiskers nearer to each other than this cannot be distinguished. */
const leastPx = 5;
const capPx = 5;

/**
 * Draws the length of each phase in the baseline's runs: a whisker from the 5th to the 95th percentile of its length,
 * placed from the start of the phase in this run, with a thick tick at the median. A run like the others ends
 * its phases at the ticks.
 */
export function drawSpread(ctx: Ctx, scene: Scene): void {
  const { model, lanes, widthPx, tokens } = scene;
  const { topPx, heightPx } = lanes.spread;
  const middle = topPx + heightPx / 2;
  const thick = 3;
  for (const spread of model.spread) {
    const { name, startNs, lowNs, medianNs, highNs } = spread;
    if (!isSpread(spread)) continue;
    const start = xOf(scene, startNs);
    const [low, median, high] = [lowNs, medianNs, highNs].map((ns) => xOf(scene, startNs + ns)) as [
      number,
      number,
      number,
    ];
    if (high < 0 || start > widthPx || high - start < leastPx) continue;
    const isReceded = scene.selected !== null && scene.selected !== name;
    const colour = withAlpha(phaseColour(scene, name), isReceded ? 0.35 : 1);
    ctx.fillStyle = colour;
    ctx.fillRect(crisp(low) - 0.5, middle - 0.5, Math.max(1, high - low), 1.5);
    for (const end of [low, high]) ctx.fillRect(crisp(end) - 0.5, middle - capPx / 2, 1, capPx);
    ctx.fillRect(crisp(median) - thick / 2, topPx + 1, thick, heightPx - 2);
  }
  ctx.fillStyle = withAlpha(tokens.get('--border'), 0.9);
  ctx.fillRect(0, topPx + heightPx, widthPx, 1);
}
