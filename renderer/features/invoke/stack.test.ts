import { expect, it } from 'vitest';
import { parseStack } from './stack.ts';

it('reads frames with and without a name, and keeps other lines as words', () => {
  expect(
    parseStack('Error: no name\n    at greet (src/greet.ts:4:9)\n    at handler.ts:12:3\n    at <native>'),
  ).toEqual([
    { kind: 'text', text: 'Error: no name' },
    { kind: 'frame', name: 'greet', file: 'src/greet.ts', line: 4, column: 9 },
    { kind: 'frame', name: '(top level)', file: 'handler.ts', line: 12, column: 3 },
    { kind: 'text', text: '    at <native>' },
  ]);
});
