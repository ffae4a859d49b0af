import { formatDuration } from '#shared/format.ts';
import type { Comparison } from '#shared/model/series.ts';
import { type BootTimeline, type Phase, startModeWords, startTitle } from '#shared/model/timeline.ts';
import { describeComparison, restoreOf } from '#shared/timeline/index.ts';
import type { Style } from './style.ts';

/** Eighths of a column, so that a short phase is drawn as short as it is. */
const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const;
const maxBarWidth = 100;
const nameWidth = 9;
const timeWidth = 8;

/** A cold start as bars on one time axis, one phase per line, under lines with the measurement and its comparison. */
export function renderTimeline(timeline: BootTimeline, style: Style, comparison: Comparison | null = null): string {
  const { ahead, accel, complete, startMode, totalNs } = timeline;
  const facts = [
    startMode === 'cold' ? 'cold' : `${startMode}: ${startModeWords[startMode]}`,
    accel === 'tcg' ? 'emulated (TCG, no KVM)' : 'KVM',
    ...(complete ? [] : ['incomplete: the start ended early']),
  ];
  const lines = [
    `${style.bold(`${startTitle(startMode)}  ${formatDuration(totalNs)}`)}  ${style.dim(facts.join(', '))}`,
  ];
  if (comparison !== null) lines.push(`  ${describeComparison(comparison)}`);
  const barWidth = Math.min(maxBarWidth, Math.max(10, style.width - nameWidth - timeWidth - 8));
  timeline.phases.forEach((phase, index) => {
    const errorNs = phase.errorNs + (timeline.phases[index + 1]?.errorNs ?? 0);
    lines.push(renderPhase(phase, errorNs, totalNs, barWidth, style));
  });
  const restore = restoreOf(timeline);
  if (restore !== null) {
    const length = formatDuration(restore.durationNs, restore.errorNs);
    lines.push(style.dim(`  of vmm, the saved guest was loaded in: ${length}`));
  }
  if (ahead !== null) {
    const parts = ahead.phases.filter((phase) => phase.durationNs > 0).map((phase) => phase.name);
    const what = parts.length > 0 ? ` (${parts.join(', ')})` : '';
    lines.push(style.dim(`  done ahead of the click: ${formatDuration(ahead.durationNs)}${what}`));
  }
  return `${lines.join('\n')}\n`;
}

/** Units: `errorNs` is that of the phase's length. */
function renderPhase(phase: Phase, errorNs: number, totalNs: number, barWidth: number, style: Style): string {
  const time = formatDuration(phase.durationNs, phase.durationNs > 0 ? errorNs : 0).padStart(timeWidth);
  const scale = totalNs > 0 ? barWidth / totalNs : 0;
  const bar = renderBar(phase.startNs * scale, phase.durationNs * scale, barWidth, style.unicode);
  return `  ${phase.name.padEnd(nameWidth)}${time}  ${style.phase(phase.name, bar)}`.trimEnd();
}

/** A bar from `start`, `length` columns long; any length above 0 is visible. */
function renderBar(start: number, length: number, width: number, unicode: boolean): string {
  if (length <= 0) return '';
  const offset = Math.min(width - 1, Math.floor(start));
  const room = width - offset;
  if (!unicode) return ' '.repeat(offset) + '#'.repeat(Math.min(room, Math.max(1, Math.round(length))));
  const steps = Math.min(room * 8, Math.max(1, Math.round(length * 8)));
  return ' '.repeat(offset) + '█'.repeat(Math.floor(steps / 8)) + eighths[steps % 8];
}
