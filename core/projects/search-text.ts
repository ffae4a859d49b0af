import type { SearchMatch } from '#shared/contract/projects.ts';

/** The part of a long line that is shown around a match. */
const beforeCharacters = 60;
const shownCharacters = 240;

/** The places of `wanted` in a text, at most `limit`. */
export function searchText(
  path: string,
  text: string,
  wanted: string,
  { matchCase, limit }: { readonly matchCase: boolean; readonly limit: number },
): SearchMatch[] {
  const found: SearchMatch[] = [];
  const pattern = new RegExp(wanted.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), matchCase ? 'g' : 'gi');
  for (const [index, row] of text.split('\n').entries()) {
    for (const match of row.matchAll(pattern)) {
      if (found.length >= limit) return found;
      const from = row.length > shownCharacters ? Math.max(0, match.index - beforeCharacters) : 0;
      found.push({
        path,
        line: index + 1,
        column: match.index + 1,
        length: match[0].length,
        text: row.slice(from, from + shownCharacters).replace(/\r$/, ''),
        textColumn: from + 1,
      });
    }
  }
  return found;
}
