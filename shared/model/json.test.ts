import { describe, expect, it } from 'vitest';
import { jsonSchema, maxJsonDepth } from './json.ts';

const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth));

describe('JSON', () => {
  it('is taken as it is', () => {
    const value = { a: [null, true, 1.5, 'x\u0000y'], '': {} };
    expect(jsonSchema.parse(value)).toBe(value);
  });

  it('is refused where it is nested too deep, however deep that is', () => {
    expect(jsonSchema.safeParse(nested(maxJsonDepth)).success).toBe(true);
    for (const depth of [maxJsonDepth + 1, 2_000, 5_000]) {
      expect(jsonSchema.safeParse(nested(depth)).error?.issues[0]?.message).toBe('It is nested more than 500 deep.');
    }
  });

  it.each([undefined, Number.NaN, 1n, [() => 1]])('has no %s', (value) => {
    expect(jsonSchema.safeParse(value).success).toBe(false);
  });
});
