import { describe, expect, test, vi } from 'vitest';
import { sessionLimits } from '#shared/contract/session.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { Run } from '#shared/model/run.ts';
import type { RunId } from '#shared/model/units.ts';
import { aborted, connected, info, type Start } from './suite-parts.ts';

/** Calls, and the events that are sent without one, over any transport. */
export function describeCalls(start: Start): void {
  describe('calls', () => {
    test('a call brings back what the engine answered', async () => {
      const { client } = await start({ calls: { 'app:info': () => info } });
      expect(await client.call('app:info', {})).toEqual(info);
    });

    test('the handler gets validated input with defaults filled in', async () => {
      const seen = vi.fn();
      const { client } = await start({
        calls: {
          'doctor:run': (request) => {
            seen(request);
            return { ok: true, uri: '', accel: null, versions: {}, checks: [] };
          },
        },
      });
      await client.call('doctor:run', {});
      expect(seen).toHaveBeenCalledWith({ fresh: false });
    });

    test('many calls at once each get their own answer', async () => {
      const { client } = await start({
        calls: {
          'projects:readFile': async ({ path }) => {
            await new Promise((resolve) => setTimeout(resolve, path === 'a' ? 20 : 0));
            return { path, text: path, revision: '' };
          },
        },
      });
      const projectId = '0123456789ab';
      const answers = await Promise.all(
        ['a', 'b', 'c'].map((path) => client.call('projects:readFile', { projectId, path })),
      );
      expect(answers.map((answer) => answer.text)).toEqual(['a', 'b', 'c']);
    });

    test('input that does not fit is refused with its place, and the handler is not called', async () => {
      const handler = vi.fn();
      const { client } = await start({ calls: { 'projects:readFile': handler } });
      const refused = client.call('projects:readFile', { projectId: '0123456789ab', path: '../etc/passwd' });
      await expect(refused).rejects.toMatchObject({
        code: 'BAD_INPUT',
        message: 'projects:readFile at path: must be a relative path inside the project',
      });
      expect(handler).not.toHaveBeenCalled();
    });

    describe('that are too many', () => {
      const { runningCalls, waitingCalls } = sessionLimits;
      /** An engine whose `app:info` waits until it is released, and how many wait in it. */
      const startBlocked = async () => {
        const inside: { release: () => void; signal: AbortSignal }[] = [];
        const connection = await start({
          calls: {
            'app:info': (_, { signal }) =>
              new Promise((resolve) => {
                inside.push({ signal, release: () => resolve(info) });
              }),
          },
        });
        const ask = (count: number, signal?: AbortSignal) =>
          Array.from({ length: count }, () => connection.client.call('app:info', {}, { signal }));
        return { ...connection, inside, ask };
      };

      test('run so many at a time, and then the next', async () => {
        const { ask, inside } = await startBlocked();
        const answers = ask(runningCalls + 3);
        await vi.waitFor(() => expect(inside).toHaveLength(runningCalls));
        for (const { release } of inside) release();
        await vi.waitFor(() => expect(inside).toHaveLength(runningCalls + 3));
        for (const { release } of inside) release();
        expect(await Promise.all(answers)).toHaveLength(runningCalls + 3);
      });

      test('are cancelled while they wait without ever being run, and are refused beyond what may wait', async () => {
        const { ask, inside } = await startBlocked();
        const first = ask(runningCalls);
        const abort = new AbortController();
        const [waiting] = ask(1, abort.signal);
        const others = ask(waitingCalls - 1).map((call) => call.catch(() => undefined));
        const [refused] = ask(1);
        await expect(refused).rejects.toMatchObject({ code: 'TOO_MANY_CALLS' });
        abort.abort();
        await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
        const free = setInterval(() => inside.forEach(({ release }) => void release()), 1);
        await Promise.all([...first, ...others]).finally(() => clearInterval(free));
        expect(inside).toHaveLength(runningCalls + waitingCalls - 1);
      });

      test('end with their client: those that run are cancelled, those that wait are never run', async () => {
        const { ask, inside, cut, engine } = await startBlocked();
        for (const call of ask(runningCalls + 5)) call.catch(() => undefined);
        await vi.waitFor(() => expect(inside).toHaveLength(runningCalls));
        cut();
        await vi.waitFor(() => expect(engine.endedCount()).toBe(1));
        expect(inside.every(({ signal }) => signal.aborted)).toBe(true);
        for (const { release } of inside) release();
        await new Promise((resolve) => setImmediate(resolve));
        expect(inside).toHaveLength(runningCalls);
      });
    });

    describe('with a large answer', () => {
      const runIds = ['mwz0gl37-387v98', 'mwz0gl37-387v99', 'mwz0gl37-387v9a'] as RunId[];
      const startSlow = async () => {
        const inside: { runId: RunId; release: () => void }[] = [];
        const connection = await start({
          calls: {
            'app:info': () => info,
            'runs:get': ({ runId }) =>
              new Promise((resolve) => {
                inside.push({ runId, release: () => resolve({ id: runId } as Run) });
              }),
          },
        });
        return { ...connection, inside };
      };

      test('run one at a time, in order, and others pass them by', async () => {
        const { client, inside } = await startSlow();
        const answers = runIds.map((runId) => client.call('runs:get', { runId }));
        expect(await client.call('app:info', {})).toEqual(info);
        for (const [index, runId] of runIds.entries()) {
          await vi.waitFor(() => expect(inside).toHaveLength(index + 1));
          expect(inside[index]?.runId).toBe(runId);
          inside[index]?.release();
        }
        expect((await Promise.all(answers)).map(({ id }) => id)).toEqual(runIds);
      });

      test('are never run once they are abandoned', async () => {
        const { client, inside } = await startSlow();
        const abort = new AbortController();
        const [first, second, third] = runIds.map((runId, index) =>
          client.call('runs:get', { runId }, index === 1 ? { signal: abort.signal } : {}),
        );
        await vi.waitFor(() => expect(inside).toHaveLength(1));
        abort.abort();
        await expect(second).rejects.toMatchObject({ code: 'CANCELLED' });
        inside[0]?.release();
        await vi.waitFor(() => expect(inside).toHaveLength(2));
        inside[1]?.release();
        expect([await first, await third].map((run) => run?.id)).toEqual([runIds[0], runIds[2]]);
        expect(inside).toHaveLength(2);
      });
    });

    test.each(['no:such', '__proto__', 'constructor'])('a call named %s is refused', async (name) => {
      const { client } = await start({});
      await expect(client.call(name as 'app:info', {})).rejects.toMatchObject({ code: 'BAD_INPUT' });
    });

    test('an error arrives whole: code, message, hint, details and chain of causes', async () => {
      const details = {
        problems: [{ severity: 'error', message: 'Expected ";"', file: 'handler.ts', line: 3, column: 7 }],
        stack: 'Error: no\n    at handler (handler.ts:3:7)',
      } as const;
      const { client } = await start({
        calls: {
          'app:info': () => {
            const cause = new Error('esbuild failed', { cause: new Error('exit 1') });
            throw new FirstlightError('BUILD_FAILED', 'It does not build.', { hint: 'Mend it.', details, cause });
          },
        },
      });
      const error = await client.call('app:info', {}).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(FirstlightError);
      expect(error).toMatchObject({
        code: 'BUILD_FAILED',
        message: 'It does not build.',
        hint: 'Mend it.',
        details,
        exitCode: 4,
        cause: { message: 'esbuild failed', cause: { message: 'exit 1' } },
      });
    });

    test('progress reaches the caller, in order, before the answer', async () => {
      const { client } = await start({
        calls: {
          'app:info': (_, { progress }) => {
            progress({ step: 'bundle', message: 'Bundling' });
            progress({ step: 'write', message: 'Writing', fraction: 0.5 });
            return info;
          },
        },
      });
      const seen: unknown[] = [];
      await client.call('app:info', {}, { onProgress: (progress) => seen.push(progress) });
      expect(seen).toEqual([
        { step: 'bundle', message: 'Bundling' },
        { step: 'write', message: 'Writing', fraction: 0.5 },
      ]);
    });

    test('a cancelled call is over only when the engine has cleaned up', async () => {
      const steps: string[] = [];
      const { client } = await start({
        calls: {
          'app:info': async (_, { signal }) => {
            steps.push('started');
            await aborted(signal);
            await new Promise((resolve) => setTimeout(resolve, 10));
            steps.push('cleaned up');
            throw new FirstlightError('CANCELLED', 'Cancelled.');
          },
        },
      });
      const abort = new AbortController();
      const call = client.call('app:info', {}, { signal: abort.signal });
      await vi.waitFor(() => expect(steps).toEqual(['started']));
      abort.abort();
      await expect(call).rejects.toMatchObject({ code: 'CANCELLED' });
      expect(steps).toEqual(['started', 'cleaned up']);
    });

    test('a signal that is already aborted cancels at once', async () => {
      const { client } = await start({ calls: { 'app:info': (_, { signal }) => aborted(signal).then(() => info) } });
      const call = client.call('app:info', {}, { signal: AbortSignal.abort() });
      await expect(call).rejects.toMatchObject({ code: 'CANCELLED' });
    });
  });

  describe('events', () => {
    test('an event reaches its subscribers, until they unsubscribe', async () => {
      const { client, engine } = await start({ calls: { 'app:info': () => info } });
      const seen: string[] = [];
      const stop = client.subscribe('app:changed', (payload) => seen.push(payload.version));
      client.subscribe('runs:removed', () => seen.push('another event'));
      await connected(client, engine);
      engine.emit('app:changed', { ...info, version: 'first' });
      await vi.waitFor(() => expect(seen).toEqual(['first']));
      stop();
      engine.emit('app:changed', { ...info, version: 'second' });
      await client.call('app:info', {});
      expect(seen).toEqual(['first']);
    });
  });
}
