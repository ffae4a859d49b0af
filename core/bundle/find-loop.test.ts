import { expect, it } from 'vitest';
import { findLoop } from './find-loop.ts';

/** The text from the place that is found, to the end of its line. `¦` in the code is where the guest was seen. */
function found(marked: string): string {
  const before = marked.slice(0, marked.indexOf('¦')).split('\n');
  const code = marked.replace('¦', '');
  const { line, column } = findLoop(code, { line: before.length, column: (before.at(-1) ?? '').length + 1 });
  return (code.split('\n')[line - 1] ?? '').slice(column - 1);
}

it('finds a loop that has no place of its own', () => {
  expect(found('  step(¦n);\n  for (; ; ) {\n  }\n')).toBe('for (; ; ) {');
  expect(found('async function ¦handler(event) {\n  while (true) {\n  }\n}')).toBe('while (true) {');
  expect(found('  if (¦n) {\n    const x = 5;\n    do {\n    } while (true);\n  }')).toBe('do {');
  expect(found('  ¦a();\n  // a note\n  outer: while (true) {\n    continue outer;\n  }')).toBe('while (true) {');
  expect(found('for (; ; ) {\n  ¦n++;\n  for (; ; ) {\n    const x = 5;\n  }\n}')).toBe('for (; ; ) {');
  expect(found('¦a(); while (1) ;')).toBe('while (1) ;');
});

it('stays where the guest was seen, where no such loop follows', () => {
  expect(found('while (true) {\n  ¦n++;\n}\n')).toBe('n++;');
  expect(found('¦n++;\nb();\nfor (; ; ) {\n}')).toBe('n++;');
  expect(found('¦n++;\nfor (; ; ) {\n  b();\n}')).toBe('n++;');
  expect(found('¦n++;\nwhile (n) {\n}')).toBe('n++;');
  expect(found('¦n++;\nconst text = "for (; ; ) {}";')).toBe('n++;');
  expect(findLoop('a', { line: 9, column: 1 })).toEqual({ line: 9, column: 1 });
});

it('takes no long time over any text', () => {
  const code = `a;${'{ x: '.repeat(10_000)}`;
  expect(findLoop(code, { line: 1, column: 1 })).toEqual({ line: 1, column: 1 });
});
