import type { ImageChange, ImageDiff } from '#shared/model/image-tree.ts';
import { showName } from './show-name.ts';
import type { Style } from './style.ts';

/** Every difference on a line: `+` added, `-` removed, `~` changed. */
export function renderImageDiff({ same, changes, truncated }: ImageDiff, style: Style): string {
  if (same) return 'The images hold the same.\n';
  const lines = changes.map((change) => renderChange(change, style));
  if (truncated) lines.push(style.dim('There are more differences than are listed.'));
  return `${lines.join('\n')}\n`;
}

function renderChange({ kind, subject, of, what, before, after }: ImageChange, style: Style): string {
  const name = showName(of === 'option' ? `option ${subject}` : subject, style);
  const was = before === null ? '' : showName(before, style);
  const is = after === null ? '' : showName(after, style);
  if (kind === 'added') return `${style.green(`+ ${name}`)}  ${style.dim(is)}`;
  if (kind === 'removed') return `${style.red(`- ${name}`)}  ${style.dim(was)}`;
  const values = what.includes('content') ? `${is}, other content` : `${was} -> ${is}`;
  return `${style.yellow(`~ ${name}`)}  ${style.dim(values)}`;
}
