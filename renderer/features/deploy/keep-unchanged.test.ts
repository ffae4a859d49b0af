import { expect, it } from 'vitest';
import type { Deployment } from '#shared/model/deploy.ts';
import { keepUnchanged } from './keep-unchanged.ts';

const deployed = (name: string, ready: number) => ({ name, replicas: { ready, wanted: 1 } }) as Deployment;

it('keeps the objects of functions that have not changed', () => {
  const former = [deployed('a', 1), deployed('b', 0), deployed('gone', 1)];
  const next = [deployed('new', 0), deployed('b', 1), deployed('a', 1)];
  const kept = keepUnchanged(former, next);
  expect(kept).toEqual(next);
  expect(kept.map((value) => former.includes(value))).toEqual([false, false, true]);
});
