import { expect, it } from 'vitest';
import { FirstlightError } from '#shared/errors.ts';
import type { Cluster } from './cluster.ts';
import { watchFunctions } from './watch-functions.ts';

/** A cluster without functions, whose watches stay open until they are cancelled. */
const quietCluster = {
  name: 'quiet',
  namespace: 'default',
  client: {
    json: async () => ({ items: [] }),
    lines: async function* (_path: string, { signal }: { readonly signal: AbortSignal }) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      yield* [];
    },
  },
} as unknown as Cluster;

it('ends when its reader goes away in the middle of a line, and leaves no promise behind', async () => {
  const closed = new FirstlightError('CANCELLED', 'The stream was closed by its reader.');
  let goAway: () => void = () => undefined;
  const written: string[] = [];
  const watching = watchFunctions(quietCluster, {
    signal: new AbortController().signal,
    write: (chunk) => {
      written.push(Buffer.from(chunk).toString());
      return new Promise((_, reject) => {
        goAway = () => reject(closed);
      });
    },
  });
  await expect.poll(() => written).toEqual(['[]\n']);
  goAway();
  await expect(watching).rejects.toBe(closed);
});
