import { expect, it } from 'vitest';
import { bodyText, hexDump } from './body-view.tsx';

it('shows eight bytes a row, with what is printable beside them', () => {
  expect(hexDump(btoa('Hi\u0000\u00ff12345'))).toBe(
    '000000  48 69 00 ff 31 32 33 34  Hi..1234\n000008  35                       5',
  );
});

it('says how much a long body hides', () => {
  expect(
    hexDump(btoa('x'.repeat(8 * 1_025)))
      .split('\n')
      .at(-1),
  ).toMatch(/^… 8 bytes more/);
});

it('indents JSON, and keeps text as it is', () => {
  expect(bodyText({ kind: 'json', value: { a: 1 } })).toBe('{\n  "a": 1\n}');
  expect(bodyText({ kind: 'text', value: 'a\tb' })).toBe('a\tb');
});
