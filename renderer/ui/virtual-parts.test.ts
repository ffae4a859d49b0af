import { expect, it } from 'vitest';
import { type VirtualPart, virtualParts } from './virtual-parts.ts';

const written = (parts: readonly VirtualPart[]) =>
  parts.map((part) => ('gap' in part ? `(${part.gap})` : String(part.index))).join(' ');

it('draws the rows in view between two gaps', () => {
  expect(written(virtualParts(100, 10, 13, -1))).toBe('(10) 10 11 12 (87)');
  expect(written(virtualParts(3, 0, 3, -1))).toBe('(0) 0 1 2');
  expect(written(virtualParts(0, 0, 0, -1))).toBe('(0)');
  expect(written(virtualParts(5, 5, 5, -1))).toBe('(5)');
});

it('keeps a row that is out of view in its place', () => {
  expect(written(virtualParts(100, 10, 12, 3))).toBe('(3) 3 (6) 10 11 (88)');
  expect(written(virtualParts(100, 10, 12, 9))).toBe('(9) 9 10 11 (88)');
  expect(written(virtualParts(100, 10, 12, 11))).toBe('(10) 10 11 (88)');
  expect(written(virtualParts(100, 10, 12, 12))).toBe('(10) 10 11 12 (87)');
  expect(written(virtualParts(100, 10, 12, 99))).toBe('(10) 10 11 (87) 99');
  expect(written(virtualParts(100, 10, 12, 100))).toBe('(10) 10 11 (88)');
});

it('takes the room of all rows, whichever it draws', () => {
  for (let first = 0; first <= 9; first += 1) {
    for (let end = first; end <= 9; end += 1) {
      for (let kept = -1; kept <= 9; kept += 1) {
        const rows = virtualParts(9, first, end, kept).reduce((sum, part) => sum + ('gap' in part ? part.gap : 1), 0);
        expect([first, end, kept, rows]).toEqual([first, end, kept, 9]);
      }
    }
  }
});
