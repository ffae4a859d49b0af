import { formatNs, formatNsDelta, formatPercent, timeTickFormat } from '../../ui/instrument-format.ts';
import { inkOn } from '../../ui/instrument-theme.ts';
import { findTicks, nsToPx } from './time-scale.ts';
import type { Segment, TimelineModel } from './timeline-model.ts';
import { changeOf, shareOf } from './timeline-text.ts';

/** A width that a chat or a page shows without scaling. */
const widthPx = 960;
const edgePx = 20;
const rowPx = 19;

/**
 * The timeline as a picture that stands alone: total, bar, the run before, and a row per phase.
 *
 * Source: `token` reads the design tokens, so that a picture has the theme's colours.
 */
export function timelineToSvg(model: TimelineModel, token: (name: string) => string): string {
  const { timeline } = model;
  if (timeline === null) return '';
  const plotPx = widthPx - 2 * edgePx;
  const window = { startNs: 0, endNs: model.fit.endNs };
  const x = (atNs: number) => edgePx + nsToPx(window, plotPx, Math.min(atNs, window.endNs));
  const out: string[] = [];
  const text = (at: number, y: number, words: string, attributes = '') =>
    out.push(`<text x="${at.toFixed(1)}" y="${y}" ${attributes}>${escapeXml(words)}</text>`);
  const bar = (segments: readonly Segment[], y: number, height: number, opacity: number) => {
    for (const segment of segments) {
      const width = x(segment.endNs) - x(segment.startNs);
      if (width <= 0) continue;
      out.push(
        `<rect x="${x(segment.startNs).toFixed(2)}" y="${y}" width="${width.toFixed(2)}" height="${height}" fill="${token(`--phase-${segment.name}`)}" opacity="${opacity}"/>`,
      );
    }
  };
  const facts = [timeline.startMode, timeline.accel === 'tcg' ? 'emulated (tcg)' : 'kvm'];
  if (timeline.ahead !== null) facts.push(`${formatNs(timeline.ahead.durationNs)} ahead of the click, not counted`);
  if (!timeline.complete) facts.unshift('ended without a response');
  const faint = `fill="${token('--fg-muted')}"`;
  text(edgePx, 32, `Cold start  ${formatNs(timeline.totalNs)}`, 'font-size="18" font-weight="600"');
  text(
    widthPx - edgePx,
    32,
    facts.join(', '),
    `text-anchor="end" font-size="12" ${timeline.complete ? faint : `fill="${token('--danger')}"`}`,
  );

  const ticks = findTicks(window, plotPx, 90);
  const format = timeTickFormat(ticks.stepNs, window.endNs);
  for (const atNs of ticks.atNs) {
    out.push(`<path d="M${x(atNs).toFixed(1)} 62V112" stroke="${token('--border')}"/>`);
    text(x(atNs), 57, format.format(atNs), `font-size="11" ${faint}`);
  }
  bar(model.segments, 64, 30, 1);
  bar(model.ghost, 98, 10, 0.35);
  for (const segment of model.segments) {
    const room = x(segment.endNs) - x(segment.startNs);
    // About 7 px a letter at this size; a picture cannot measure its text.
    if (room < segment.name.length * 7 + 12) continue;
    const ink = inkOn(token(`--phase-${segment.name}`));
    text(x(segment.startNs) + 6, 83, segment.name, `font-size="12" font-weight="600" fill="${ink}"`);
  }
  let y = 142;
  for (const segment of model.segments) {
    out.push(
      `<rect x="${edgePx}" y="${y - 9}" width="10" height="10" rx="2" fill="${token(`--phase-${segment.name}`)}"/>`,
    );
    const change = changeOf(model, segment);
    text(edgePx + 18, y, segment.name, 'font-size="13"');
    text(220, y, formatNs(segment.endNs - segment.startNs), 'text-anchor="end" font-size="13"');
    text(300, y, formatPercent(shareOf(model, segment)), `text-anchor="end" font-size="13" ${faint}`);
    if (change !== null) text(400, y, formatNsDelta(change), `text-anchor="end" font-size="13" ${faint}`);
    y += rowPx;
  }
  const heightPx = y + 2;
  const style = `font-family="${escapeXml(token('--font-ui'))}" fill="${token('--fg')}" style="font-variant-numeric: tabular-nums"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${widthPx}" height="${heightPx}" viewBox="0 0 ${widthPx} ${heightPx}" ${style}><rect width="100%" height="100%" fill="${token('--bg')}"/>${out.join('')}</svg>\n`;
}

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escapeXml = (text: string) => text.replace(/[&<>"]/g, (character) => escapes[character] ?? character);
