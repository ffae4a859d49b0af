/** What a long list draws in place of one row, or of many: rows by their index, and the room of those left out. */
export type VirtualPart = { readonly index: number } | { readonly gap: number; readonly key: string };

/**
 * The rows from `first` to `end` (without it), and one more that is kept wherever it is (-1: none), with gaps around them.
 *
 * Shape: it begins with a gap, of no row where the first row is drawn.
 */
export function virtualParts(count: number, first: number, end: number, kept: number): readonly VirtualPart[] {
  const drawn = Array.from({ length: Math.max(0, end - first) }, (_, offset) => first + offset);
  if (kept >= 0 && kept < first) drawn.unshift(kept);
  if (kept >= end && kept < count && kept >= first) drawn.push(kept);
  const parts: VirtualPart[] = [{ gap: drawn[0] ?? count, key: 'gap 0' }];
  let gaps = 1;
  for (const [at, index] of drawn.entries()) {
    parts.push({ index });
    const gap = (drawn[at + 1] ?? count) - index - 1;
    if (gap > 0) parts.push({ gap, key: `gap ${gaps++}` });
  }
  return parts;
}
