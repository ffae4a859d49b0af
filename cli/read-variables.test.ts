import { expect, it } from 'vitest';
import { readVariables } from './read-variables.ts';

it('reads values as they are, and takes those of a name from its own environment', () => {
  const words = ['A=1', 'B=x=y\nz', 'EMPTY=', 'HOST'];
  expect(readVariables(words, { HOST: 'lab' })).toEqual({ A: '1', B: 'x=y\nz', EMPTY: '', HOST: 'lab' });
});

it('names a variable that is not set, and what names none', () => {
  expect(() => readVariables(['HOST'], {})).toThrow(
    expect.objectContaining({ code: 'BAD_INPUT', message: expect.stringContaining('HOST is not set') }),
  );
  expect(() => readVariables(['=x'], {})).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }));
});
