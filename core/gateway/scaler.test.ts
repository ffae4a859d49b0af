import { describe, expect, it } from 'vitest';
import { createDeferred, type Deferred } from '#shared/deferred.ts';
import { FirstlightError } from '#shared/errors.ts';
import { type Response, responseSchema } from '#shared/model/run.ts';
import { instanceIdSchema, runIdSchema } from '#shared/model/units.ts';
import { createScaler, type Handled, type Served } from './scaler.ts';

const response = (value: string): Response =>
  responseSchema.parse({ status: 200, headers: {}, body: { kind: 'text', value }, bytes: value.length });

/** Requests whose answers are given by hand. */
function setUp(limits: { concurrency?: number; queue?: number; idleMs?: number } = {}) {
  const asked: { event: unknown; by: string; answer: Deferred<void> }[] = [];
  const stopped: string[] = [];
  const ready = new Map<string, boolean>();
  const gone = new Map<string, Deferred<void>>();
  let started = 0;
  let imageId = 'one';
  const serve = async (event: unknown, by: string, signal: AbortSignal) => {
    const answer = createDeferred();
    asked.push({ event, by, answer });
    signal.addEventListener('abort', () => answer.reject(new FirstlightError('CANCELLED', 'Cancelled.')));
    await answer.promise;
    return response(`${event} by ${by}`);
  };
  const scaler = createScaler({
    limits: { concurrency: 1, queue: 1, idleMs: 60_000, ...limits },
    onChange: () => undefined,
    start: async (event, signal) => {
      const name = `i${++started}`;
      const answer = await serve(event, name, signal);
      ready.set(name, true);
      gone.set(name, createDeferred());
      const end = () => {
        ready.set(name, false);
        gone.get(name)?.resolve();
      };
      const instance: Served = {
        id: instanceIdSchema.parse(name),
        imageId,
        isReady: () => ready.get(name) === true,
        gone: gone.get(name)?.promise ?? Promise.resolve(),
        stop: () => {
          stopped.push(name);
          end();
        },
        invoke: (next, nextSignal) => serve(next, name, nextSignal),
      };
      return { instance, answer, runId: runIdSchema.parse('mf2k1x0q-00000a') };
    },
  });
  const never = () => ({ deadline: new AbortController().signal, left: new AbortController().signal });
  const send = (event: string, signals = never()) => scaler.handle(event, signals);
  const answer = async (at: number) => {
    await until(() => asked.length > at);
    asked[at]?.answer.resolve();
  };
  return {
    scaler,
    send,
    answer,
    asked,
    stopped,
    fail: (name: string) => {
      ready.set(name, false);
      gone.get(name)?.resolve();
    },
    build: (id: string) => {
      imageId = id;
    },
  };
}

async function until(look: () => boolean): Promise<void> {
  while (!look()) await new Promise((resolve) => setImmediate(resolve));
}
const textOf = ({ answer }: Handled) =>
  answer instanceof FirstlightError ? answer.code : answer.body.kind === 'text' && answer.body.value;

describe('the instances of a function behind the gateway', () => {
  it('start with a request, which is the first that they serve, and serve the next ones warm', async () => {
    const { send, answer, scaler } = setUp();
    const first = send('a');
    await answer(0);
    expect([textOf(await first), (await first).runId]).toEqual(['a by i1', 'mf2k1x0q-00000a']);
    const second = send('b');
    await answer(1);
    expect([textOf(await second), (await second).runId]).toEqual(['b by i1', null]);
    expect(scaler.counts()).toEqual({ instances: 1, instanceIds: ['i1'], busy: 0, waiting: 0 });
  });

  it('are no more than the concurrency; further requests wait, and beyond the queue they are refused', async () => {
    const { send, answer, scaler } = setUp({ concurrency: 2, queue: 1 });
    const served = [send('a'), send('b'), send('c')];
    await until(() => scaler.counts().waiting === 1);
    await expect(send('d')).rejects.toMatchObject({ code: 'TOO_MANY_CALLS' });
    await answer(1);
    await answer(2);
    expect(textOf(await (served[2] as Promise<Handled>))).toBe('c by i2');
    await answer(0);
    expect(textOf(await (served[0] as Promise<Handled>))).toBe('a by i1');
  });

  it('end when they are idle', async () => {
    const { send, answer, scaler, stopped } = setUp({ idleMs: 1 });
    const first = send('a');
    await answer(0);
    await first;
    await until(() => stopped.length === 1);
    expect(scaler.counts()).toMatchObject({ instances: 0, instanceIds: [] });
  });

  it('are replaced after an edit: a free one at once, a busy one when it has served', async () => {
    const { send, answer, scaler, stopped } = setUp({ concurrency: 2 });
    const [first, second] = [send('a'), send('b')];
    await answer(0);
    await first;
    scaler.retire();
    expect(stopped).toEqual(['i1']);
    await answer(1);
    await second;
    expect(stopped).toEqual(['i1', 'i2']);
    const third = send('c');
    await answer(2);
    expect(textOf(await third)).toBe('c by i3');
  });

  it('of an older image end when one of a newer image has started', async () => {
    const { send, answer, build, stopped } = setUp({ concurrency: 2 });
    const [first, second] = [send('a'), send('b')];
    await answer(0);
    await first;
    build('two');
    // Its start was asked for before the build, and ends after it.
    await answer(1);
    await second;
    expect(stopped).toEqual(['i1']);
  });

  it('that end by themselves are not used again, and a waiting request gets a new one', async () => {
    const { send, answer, fail } = setUp();
    const first = send('a');
    await answer(0);
    await first;
    fail('i1');
    const second = send('b');
    await answer(1);
    expect(textOf(await second)).toBe('b by i2');
  });

  it('give a waiting request up when its client has left, and one that is served at its deadline', async () => {
    const { send, answer, scaler } = setUp();
    const deadline = new AbortController();
    const left = new AbortController();
    const first = send('a', { deadline: deadline.signal, left: left.signal });
    const second = send('b', { deadline: new AbortController().signal, left: left.signal });
    await until(() => scaler.counts().waiting === 1);
    left.abort();
    await expect(second).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(scaler.counts()).toMatchObject({ instances: 1, busy: 1, waiting: 0 });
    deadline.abort();
    await expect(first).rejects.toMatchObject({ code: 'CANCELLED' });
    const third = send('c');
    await answer(1);
    expect(textOf(await third)).toBe('c by i2');
  });

  it('all end when it closes: what waits is refused, what is served may finish', async () => {
    const { send, answer, scaler, stopped } = setUp();
    const [first, second] = [send('a'), send('b')];
    await until(() => scaler.counts().waiting === 1);
    const closing = scaler.close(60_000);
    await expect(second).rejects.toMatchObject({ code: 'CONFLICT' });
    await expect(send('c')).rejects.toMatchObject({ code: 'CONFLICT' });
    await answer(0);
    expect(textOf(await first)).toBe('a by i1');
    await closing;
    expect(stopped).toEqual(['i1']);
  });

  it('are cancelled when closing takes too long', async () => {
    const { send, asked, scaler } = setUp();
    const first = send('a');
    await until(() => asked.length === 1);
    const closing = scaler.close(1);
    await expect(first).rejects.toMatchObject({ code: 'CANCELLED' });
    await closing;
    expect(scaler.counts().instances).toBe(0);
  });
});
