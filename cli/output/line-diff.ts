/** Lines of context around a change. */
const contextLines = 3;

interface Line {
  readonly kind: ' ' | '-' | '+';
  readonly text: string;
  /** The line's number in the old and in the new text. Units: counts from 1. */
  readonly before: number;
  readonly after: number;
}

/** The differences of two short texts as lines of a unified diff, from `@@` on; none when they are equal. */
export function diffLines(before: string, after: string): string[] {
  const lines = compare(splitLines(before), splitLines(after));
  const changed = lines.flatMap(({ kind }, index) => (kind === ' ' ? [] : [index]));
  const hunks: { from: number; to: number }[] = [];
  for (const index of changed) {
    const [from, to] = [Math.max(0, index - contextLines), Math.min(lines.length, index + contextLines + 1)];
    const last = hunks.at(-1);
    if (last !== undefined && from <= last.to) last.to = to;
    else hunks.push({ from, to });
  }
  return hunks.flatMap(({ from, to }) => {
    const part = lines.slice(from, to);
    const range = (sign: '-' | '+', start: number) => {
      const count = part.filter(({ kind }) => kind === ' ' || kind === sign).length;
      return `${sign}${count === 0 ? start - 1 : start},${count}`;
    };
    const head = `@@ ${range('-', part[0]?.before ?? 1)} ${range('+', part[0]?.after ?? 1)} @@`;
    return [head, ...part.map(({ kind, text }) => kind + text)];
  });
}

const splitLines = (text: string) => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));

/** Both texts as one list of lines, by their longest common subsequence. */
function compare(before: readonly string[], after: readonly string[]): Line[] {
  // common[i][j]: how many lines before[i…] and after[j…] have in common, in order.
  const common = Array.from({ length: before.length + 1 }, () => new Uint32Array(after.length + 1));
  const at = (i: number, j: number) => common[i]?.[j] ?? 0;
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      const length = before[i] === after[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
      (common[i] as Uint32Array)[j] = length;
    }
  }
  const lines: Line[] = [];
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    const [old, next] = [before[i], after[j]];
    const place = { before: i + 1, after: j + 1 };
    if (old !== undefined && old === next) {
      lines.push({ kind: ' ', text: old, ...place });
      i++;
      j++;
    } else if (old !== undefined && (next === undefined || at(i + 1, j) >= at(i, j + 1))) {
      lines.push({ kind: '-', text: old, ...place });
      i++;
    } else {
      lines.push({ kind: '+', text: next ?? '', ...place });
      j++;
    }
  }
  return lines;
}
