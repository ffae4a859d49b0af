import { type Mark, startTitle } from '#shared/model/timeline.ts';
import { describeComparison } from '#shared/timeline/index.ts';
import { formatNs, formatNsDelta, formatNsError, timeTickFormat } from '../../ui/instrument-format.ts';
import { inkOn } from '../../ui/instrument-theme.ts';
import { changeError, isSpread, lengthText, shareText, spreadText, totalText } from './figures.ts';
import { findTicks, nsToPx } from './time-scale.ts';
import type { Segment, TimelineModel } from './timeline-model.ts';
import { changeOf } from './timeline-text.ts';

/** A width that a chat or a page shows without scaling. */
const widthPx = 1080;
const edgePx = 20;
const rowPx = 20;
const markRowPx = 17;
const headingY = 142;
/** The left edge of the labels of the listed marks. */
const markX = 660;
const stripePx = 2;
/** The number of marks that a picture of this width can list next to the phases. */
const mostMarks = 12;

/**
 * The timeline as a self-contained picture: total, bar, the run before, and a row per phase.
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
  /** Stripes of both phases within the error bound of the edge between them (rule TL-E2). */
  const hatchEdges = (y: number, height: number) => {
    const there = model.segments.filter((segment) => segment.endNs > segment.startNs);
    for (const [index, after] of there.entries()) {
      const before = there[index - 1];
      const reach = x(after.startNs + after.errorNs) - x(after.startNs);
      if (before === undefined || reach < stripePx * 2) continue;
      for (let at = x(after.startNs) - reach; at < x(after.startNs) + reach; at += stripePx * 2) {
        const fill = token(`--phase-${at < x(after.startNs) ? after.name : before.name}`);
        out.push(`<rect x="${at.toFixed(2)}" y="${y}" width="${stripePx}" height="${height}" fill="${fill}"/>`);
      }
    }
  };
  const facts = [timeline.startMode, timeline.accel === 'tcg' ? 'emulated (tcg)' : 'kvm'];
  if (timeline.ahead !== null) facts.push(`${formatNs(timeline.ahead.durationNs)} ahead of the click, not counted`);
  if (!timeline.complete) facts.unshift('ended without a response');
  const faint = `fill="${token('--fg-muted')}"`;
  text(edgePx, 32, `${startTitle(timeline.startMode)}  ${totalText(timeline)}`, 'font-size="18" font-weight="600"');
  text(
    widthPx - edgePx,
    32,
    facts.join(', '),
    `text-anchor="end" font-size="12" ${timeline.complete ? faint : `fill="${token('--danger')}"`}`,
  );

  const ticks = findTicks(window, plotPx, 90);
  const format = timeTickFormat(ticks.stepNs, window.endNs);
  for (const atNs of ticks.atNs) {
    out.push(`<path d="M${x(atNs).toFixed(1)} 62V120" stroke="${token('--border')}"/>`);
    // A label that would cross the picture's edge is left out; its line stays.
    if (x(atNs) < widthPx - 60) text(x(atNs), 57, format.format(atNs), `font-size="11" ${faint}`);
  }
  bar(model.segments, 64, 30, 1);
  hatchEdges(64, 30);
  drawWhiskers(model, x, token, out);
  bar(model.ghost, 108, 10, 0.35);
  for (const segment of model.segments) {
    const room = x(segment.endNs) - x(segment.startNs);
    // About 7 px a letter at this size; a picture cannot measure its text.
    if (room < segment.name.length * 7 + 12) continue;
    const ink = inkOn(token(`--phase-${segment.name}`));
    text(x(segment.startNs) + 6, 83, segment.name, `font-size="12" font-weight="600" fill="${ink}"`);
  }
  const heading = `text-anchor="end" font-size="11" ${faint}`;
  text(200, headingY, 'length', heading);
  text(262, headingY, 'share', heading);
  if (model.comparison !== null) text(edgePx, 46, describeComparison(model.comparison), `font-size="12" ${faint}`);
  const runs = model.spread.length === 0 ? 0 : (model.comparison?.baseline.total.count ?? 0);
  if (runs > 0) {
    text(345, headingY, `median of ${runs}`, heading);
    text(480, headingY, '5–95 %', heading);
    text(552, headingY, 'change', heading);
  } else if (model.previous !== null) text(380, headingY, `against ${totalText(model.previous)}`, heading);
  const firstRow = headingY + 20;
  for (const [index, segment] of model.segments.entries()) {
    const y = firstRow + index * rowPx;
    out.push(
      `<rect x="${edgePx}" y="${y - 9}" width="10" height="10" rx="2" fill="${token(`--phase-${segment.name}`)}"/>`,
    );
    const spread = spreadText(model, segment.name);
    const change = spread === null ? changeOf(model, segment) : null;
    text(edgePx + 18, y, segment.name, 'font-size="13"');
    text(200, y, lengthText(segment), 'text-anchor="end" font-size="13"');
    text(262, y, shareText(model, segment), `text-anchor="end" font-size="13" ${faint}`);
    if (change !== null)
      text(380, y, formatNsDelta(change, changeError(model, segment)), `text-anchor="end" font-size="13" ${faint}`);
    if (spread !== null) {
      const figures = `text-anchor="end" font-size="12" ${faint}`;
      text(345, y, spread.median, figures);
      text(480, y, spread.range, figures);
      text(552, y, spread.change, figures);
    }
  }
  const listed = listMarks(model, mostMarks);
  if (listed.length > 0)
    text(markX, headingY, `marks, ${listed.length} of ${model.marks.length}`, `font-size="11" ${faint}`);
  for (const [index, mark] of listed.entries()) {
    const y = firstRow + index * markRowPx;
    text(markX - 10, y, formatNs(mark.atNs, mark.errorNs), 'text-anchor="end" font-size="12"');
    text(markX, y, mark.label, 'font-size="12"');
    text(
      widthPx - edgePx,
      y,
      `${formatNsError(mark.errorNs)}, ${mark.source}`,
      `text-anchor="end" font-size="12" ${faint}`,
    );
  }
  const heightPx = firstRow + Math.max(model.segments.length * rowPx, listed.length * markRowPx) + 4;
  const style = `font-family="${escapeXml(token('--font-ui'))}" fill="${token('--fg')}" style="font-variant-numeric: tabular-nums"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${widthPx}" height="${heightPx}" viewBox="0 0 ${widthPx} ${heightPx}" ${style}><rect width="100%" height="100%" fill="${token('--bg')}"/>${out.join('')}</svg>\n`;
}

/** A whisker for each phase of the baseline, under the bar: as `drawSpread` draws them. */
function drawWhiskers(
  model: TimelineModel,
  x: (atNs: number) => number,
  token: (name: string) => string,
  out: string[],
): void {
  for (const spread of model.spread) {
    const { name, startNs, lowNs, medianNs, highNs } = spread;
    const [low, median, high] = [lowNs, medianNs, highNs].map((ns) => x(startNs + ns)) as [number, number, number];
    if (!isSpread(spread) || high - x(startNs) < 5) continue;
    const line = `M${low.toFixed(1)} 100H${high.toFixed(1)}M${low.toFixed(1)} 97.5v5M${high.toFixed(1)} 97.5v5`;
    out.push(`<path d="${line}" stroke="${token(`--phase-${name}`)}" fill="none"/>`);
    out.push(`<rect x="${(median - 1.5).toFixed(1)}" y="96" width="3" height="8" fill="${token(`--phase-${name}`)}"/>`);
  }
}

/** The marks most worth a line, in order of time. */
function listMarks(model: TimelineModel, most: number): readonly Mark[] {
  const chosen = [...model.markRank.slice(0, most)].sort((a, b) => a - b);
  return chosen.flatMap((index) => model.marks[index] ?? []);
}

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escapeXml = (text: string) => text.replace(/[&<>"]/g, (character) => escapes[character] ?? character);
