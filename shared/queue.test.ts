import { expect, it } from 'vitest';
import { createDeferred } from './deferred.ts';
import { createQueue } from './queue.ts';

it('runs one piece of work at a time, in order, also after a failure', async () => {
  const queue = createQueue();
  const first = createDeferred<string>();
  const order: string[] = [];
  const results = Promise.allSettled([
    queue(async () => {
      order.push('first begins');
      const value = await first.promise;
      order.push('first ends');
      return value;
    }),
    queue(async () => {
      order.push('second');
      throw new Error('failed');
    }),
    queue(async () => order.push('third')),
  ]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(order).toEqual(['first begins']);
  first.resolve('one');
  expect(await results).toMatchObject([
    { status: 'fulfilled', value: 'one' },
    { status: 'rejected', reason: { message: 'failed' } },
    { status: 'fulfilled' },
  ]);
  expect(order).toEqual(['first begins', 'first ends', 'second', 'third']);
});
