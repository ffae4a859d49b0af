import { expect, it, vi } from 'vitest';
import type { Layout } from '#core/store/layout.ts';
import { fakeHost } from '#core/vmm/testing/fake-vmm.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { Run } from '#shared/model/run.ts';
import { createRunner } from './run-function.ts';
import type { RunnerOptions } from './runner-options.ts';
import type { LaunchSpec } from './types.ts';

/** A runner whose image is there, and whose registry starts nothing: the refusal names the start. */
function createRefusingRunner(refusal: string, finished: Run[], more: object = {}) {
  const config = { name: 'hello', runtime: 'ember', memoryMiB: 8, vcpus: 1, timeoutMs: 1000 };
  return createRunner({
    getHost: async () => fakeHost({} as Layout),
    getProject: async () => ({ id: '0123456789ab', dir: '/hello', config: null }),
    build: async () => ({
      bundle: { id: 'b'.repeat(64), config },
      image: { id: 'a'.repeat(64), bytes: 1, runtime: 'ember', minMemoryMiB: 34 },
      result: { cached: true, buildMs: 1 },
    }),
    findKnown: () => null,
    settle: async () => undefined,
    findCommit: async () => null,
    runtimes: new Map(),
    runs: {
      begin: async () => ({ flushConsole: async () => undefined, finish: async (run: Run) => finished.push(run) }),
    },
    registry: {
      launch: async () => {
        throw new FirstlightError('MEMORY_TOO_SMALL', refusal);
      },
    },
    mapError: async (error: FirstlightError) => error,
    explainSlowStarts: async () => null,
    tickRate: { get: () => undefined, set: () => undefined },
    emit: () => undefined,
    ...more,
  } as unknown as RunnerOptions);
}

it('draws no timeline of a run that was refused before there was a machine', async () => {
  const finished: Run[] = [];
  const run = createRefusingRunner('hello needs 34 MiB to boot.', finished);
  const request = { projectId: '0123456789ab', event: null, startMode: 'cold', lifetime: 'stop' } as never;
  const result = await run(request, { signal: new AbortController().signal, progress: () => undefined } as never);
  expect(result).toMatchObject({ outcome: 'failed', error: { code: 'MEMORY_TOO_SMALL' }, instance: null });
  expect(result.timeline).toBeNull();
  expect(finished).toEqual([result]);
});

it('gets to know the build after a run in any mode, for the next one', async () => {
  for (const startMode of ['cold', 'prestarted']) {
    const settle = vi.fn(async () => undefined);
    const pool = { prepare: async () => undefined, take: async () => null, refill: async () => undefined };
    const run = createRefusingRunner('no', [], { settle, pool });
    const request = { projectId: '0123456789ab', event: null, startMode, lifetime: 'stop' } as never;
    await run(request, { signal: new AbortController().signal, progress: () => undefined } as never);
    await vi.waitFor(() => expect(settle).toHaveBeenCalledOnce());
  }
});

it('starts cold, and says so, when a saved machine is refused', async () => {
  const finished: Run[] = [];
  const warnings: string[] = [];
  const removed: unknown[] = [];
  const asked: string[] = [];
  const saved = { name: 's', dir: '/saved', wasMade: false };
  const launch = async ({ startMode, saved: from }: LaunchSpec) => {
    asked.push(`${startMode} from ${from?.dir ?? 'nothing'}`);
    throw new FirstlightError(
      'BOOT_FAILED',
      startMode === 'restored' ? 'It is of another kernel.' : 'No machine today.',
    );
  };
  const run = createRefusingRunner('', finished, {
    snapshots: { prepare: async () => saved, remove: async (one: unknown) => removed.push(one) },
    registry: { launch },
    emit: (name: string, { error }: { error: { message: string } }) =>
      name === 'app:warned' && warnings.push(error.message),
  });
  const request = { projectId: '0123456789ab', event: null, startMode: 'restored', lifetime: 'stop' } as never;
  const result = await run(request, { signal: new AbortController().signal, progress: () => undefined } as never);
  expect(asked).toEqual(['restored from /saved', 'cold from nothing']);
  expect(removed).toEqual([saved]);
  expect(warnings[0]).toBe(
    'The saved machine was not restored, and is removed; this start is cold. It is of another kernel.',
  );
  expect(result).toMatchObject({
    startMode: 'cold',
    subject: { startMode: 'cold' },
    error: { message: 'No machine today.' },
  });
  expect(result.waitedMs).toBeGreaterThanOrEqual(0);
});

it('makes a cold run of a prestarted one only where none can be made ahead, and says that it waits', async () => {
  const finished: Run[] = [];
  const said: string[] = [];
  const order: string[] = [];
  const pool = {
    prepare: async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      order.push('made');
    },
    take: async () => {
      order.push('taken');
      return null;
    },
    refill: async () => undefined,
  };
  const run = createRefusingRunner('A cold start was made.', finished, { pool });
  const request = { projectId: '0123456789ab', event: null, startMode: 'prestarted', lifetime: 'stop' } as never;
  const progress = ({ message }: { message: string }) => said.push(message);
  const result = await run(request, { signal: new AbortController().signal, progress } as never);
  expect(order).toEqual(['made', 'taken']);
  expect(said).toContain('Waiting for the prestarted instance');
  expect(result.startMode).toBe('cold');
});

it('takes a build that it knows to be of the files on disk, without reading them', async () => {
  const finished: Run[] = [];
  const config = { name: 'hello', runtime: 'ember', memoryMiB: 8, vcpus: 1, timeoutMs: 1000 };
  const known = {
    project: { id: '0123456789ab', dir: '/known', config },
    build: {
      bundle: { id: 'b'.repeat(64), config },
      image: { id: 'c'.repeat(64), bytes: 1, runtime: 'ember', minMemoryMiB: 34 },
      result: { cached: true, buildMs: 0.1 },
    },
  };
  const neverCalled = () => Promise.reject(new Error('It is known.'));
  const run = createRefusingRunner('No machine today.', finished, {
    findKnown: () => known,
    getProject: neverCalled,
    build: neverCalled,
  });
  const request = { projectId: '0123456789ab', event: null, startMode: 'cold', lifetime: 'stop' } as never;
  const result = await run(request, { signal: new AbortController().signal, progress: () => undefined } as never);
  expect(result).toMatchObject({
    projectDir: '/known',
    image: { id: 'c'.repeat(64) },
    error: { message: 'No machine today.' },
  });
});
