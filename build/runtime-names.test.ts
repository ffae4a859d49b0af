import { expect, it } from 'vitest';
import { findRuntimeNames } from './runtime-names.mjs';

const ids = ['nanos', 'ember'];
const words = (text: string) => findRuntimeNames(text, ids).map(({ line, word }) => `${line} ${word}`);

it('finds the id of a runtime in code, comments and longer names', () => {
  expect(words("// On Nanos\nif (runtime === 'ember') openEmberSession();\nconst nanosDir = '';")).toEqual([
    '1 Nanos',
    '2 ember',
    '2 openEmberSession',
    '3 nanosDir',
  ]);
});

it('leaves alone what only looks like one, and citations', () => {
  expect(words('const members = remember(nanoseconds); // Source: nanovms/nanos at b9c3671d')).toEqual([]);
});
