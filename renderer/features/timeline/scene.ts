import type { PhaseName } from '#shared/model/timeline.ts';
import type { Tokens } from '../../ui/instrument-theme.ts';
import type { Lanes } from './lanes.ts';
import type { ResourceSeries } from './resource-series.ts';
import { nsToPx, type TimeWindow } from './time-scale.ts';
import type { TimelineModel } from './timeline-model.ts';

/** Everything one frame of the canvas depends on. Units: px of CSS; the context is scaled beforehand. */
export interface Scene {
  readonly model: TimelineModel;
  readonly series: readonly ResourceSeries[];
  readonly lanes: Lanes;
  readonly window: TimeWindow;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly tokens: Tokens;
  readonly selected: PhaseName | null;
  /** The place of the crosshair, set by mouse or keys. */
  readonly cursorNs: number | null;
  /** The mark under the crosshair; −1 when there is none. */
  readonly cursorMark: number;
  readonly range: TimeWindow | null;
  readonly labelWidth: (mark: number) => number;
}

/** The target of the drawing functions. */
export type Ctx = CanvasRenderingContext2D;

export const xOf = (scene: Scene, atNs: number): number => nsToPx(scene.window, scene.widthPx, atNs);

/** A coordinate at which a line one pixel wide is sharp. */
export const crisp = (px: number): number => Math.round(px - 0.5) + 0.5;

export const uiFont = (scene: Scene, sizePx: number, weight = 400): string =>
  `${weight} ${sizePx}px ${scene.tokens.get('--font-ui')}`;
export const monoFont = (scene: Scene, sizePx: number): string => `${sizePx}px ${scene.tokens.get('--font-mono')}`;

export const phaseColour = (scene: Scene, name: PhaseName): string => scene.tokens.get(`--phase-${name}`);

/** The first of `texts` that fits; null when none does. */
export function fitText(ctx: Ctx, texts: readonly string[], roomPx: number): string | null {
  return texts.find((text) => ctx.measureText(text).width <= roomPx) ?? null;
}
