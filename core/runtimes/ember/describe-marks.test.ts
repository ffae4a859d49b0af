import { expect, it } from 'vitest';
import { describeMarks } from './describe-marks.ts';
import { type EmberMark, markNames } from './layout.ts';

const opened = (names: readonly EmberMark[]) =>
  Object.fromEntries(
    describeMarks(names.map((name, index) => ({ name, tsc: BigInt(index) })))
      .filter(({ opens }) => opens !== null)
      .map(({ name, opens }) => [name, opens]),
  );

it('opens `handler` where the handler is called, and `respond` where it returned', () => {
  expect(opened([...markNames])).toEqual({
    'ember.entry': 'kernel',
    'ember.runtime': 'runtime',
    'ember.function': 'function',
    'ember.handler': 'handler',
    'ember.returned': 'respond',
  });
});

it('opens `respond` with the answer when the handler was stopped', () => {
  const stopped = opened(['invoke', 'handler', 'respond']);
  expect(stopped).toEqual({ 'ember.handler': 'handler', 'ember.respond': 'respond' });
  expect(opened(['invoke', 'respond'])).toEqual({});
});
