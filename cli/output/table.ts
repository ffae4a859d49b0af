import type { Style } from './style.ts';

/** Rows under their headings, columns as wide as their widest cell; cells after a heading with `>` align right. */
export function renderTable(headings: readonly string[], rows: readonly (readonly string[])[], style: Style): string {
  const right = headings.map((heading) => heading.startsWith('>'));
  const titles = headings.map((heading) => heading.replace(/^>/, ''));
  const widths = titles.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => (right[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  return [style.dim(line(titles)), ...rows.map(line)].map((text) => `${text}\n`).join('');
}
