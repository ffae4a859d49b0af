import { expect, it } from 'vitest';
import { annotationNames } from './names.ts';
import { checkNotElsewhere, describeUnfinished, isRollingBack, withMark, withoutMark } from './unfinished.ts';

const greet = { metadata: { name: 'greet' } };
const markedBy = (by: string, ageMs: number) => ({
  metadata: {
    name: 'greet',
    annotations: {
      [annotationNames.unfinished]: `deploy ${new Date(Date.now() - ageMs).toISOString()}${by && ` ${by}`}`,
    },
  },
});
const minuteMs = 60_000;

it('tells of a change that has not ended', () => {
  expect(describeUnfinished(greet)).toBeNull();
  const marked = withMark(greet, 'rollback');
  expect(describeUnfinished(marked)).toMatch(/^the rollback of 2\S+ has not put all its parts in place/);
  expect(isRollingBack(marked)).toBe(true);
  expect(describeUnfinished(withoutMark(marked))).toBeNull();
});

it('refuses a deploy beside that of another computer, for ten minutes, unless it is forced', () => {
  const young = markedBy('eve@elsewhere', 9 * minuteMs);
  expect(() => checkNotElsewhere(young, 'greet', false)).toThrow(
    expect.objectContaining({
      code: 'CONFLICT',
      message: expect.stringMatching(/^The deploy of greet by eve@elsewhere, since 2\S+, has not ended\.$/),
    }),
  );
  checkNotElsewhere(young, 'greet', true);
  checkNotElsewhere(markedBy('eve@elsewhere', 11 * minuteMs), 'greet', false);
});

it('goes on from an interrupted deploy of this computer, and of one that gave no name', () => {
  expect(() => checkNotElsewhere(withMark(greet, 'deploy'), 'greet', false)).not.toThrow();
  expect(() => checkNotElsewhere(markedBy('', 0), 'greet', false)).not.toThrow();
  expect(() => checkNotElsewhere(null, 'greet', false)).not.toThrow();
});
