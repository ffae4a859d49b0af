import { afterEach, describe, expect, test, vi } from 'vitest';
import type { AppInfo } from '#shared/contract/app.ts';
import type { Client } from '#shared/contract/client.ts';
import type { Engine, EngineStream } from '#shared/contract/index.ts';
import { sessionLimits } from '#shared/contract/session.ts';
import { pauseAtBytes, resumeUnderBytes } from '#shared/contract/wire.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { InstanceId } from '#shared/model/units.ts';
import { createScriptedEngine, type ScriptedEngine } from './scripted-engine.ts';

/** A client and an engine joined by the transport under test. */
export interface Connection {
  readonly client: Client;
  /** Sends what no client of ours would. */
  readonly sendRaw: (message: unknown) => void;
  /** Loses the connection, as a killed process or a closed page does. */
  readonly cut: () => void;
  readonly dispose: () => Promise<void>;
}
export type Connect = (engine: Engine) => Promise<Connection>;

const info: AppInfo = {
  version: '1.2.3',
  uri: 'test:///',
  accel: null,
  connection: 'connected',
  projectsDir: '/projects',
  settingsPath: '/settings.json',
};
const instanceId = 'hello-1' as InstanceId;

/** What every transport of the contract must do, whatever carries the messages. */
export function describeContract(transport: string, connect: Connect): void {
  describe(`the contract over ${transport}`, () => {
    const open: Connection[] = [];
    afterEach(async () => {
      await Promise.all(open.splice(0).map((connection) => connection.dispose()));
    });
    const start = async (parts: Parameters<typeof createScriptedEngine>[0]) => {
      const engine = createScriptedEngine(parts);
      const connection = await connect(engine);
      open.push(connection);
      return { engine, ...connection };
    };

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

    describe('streams', () => {
      test('bytes go both ways unchanged, and the end is told', async () => {
        const { client } = await start({
          streams: { 'console:attach': (_, stream) => echo(stream) },
        });
        const chunks: Uint8Array[] = [];
        const stream = client.openStream('console:attach', { instanceId }, (chunk) => void chunks.push(chunk));
        await vi.waitFor(() => expect(Buffer.concat(chunks).toString()).toBe('ready'));
        stream.write(new Uint8Array([0x00, 0x80, 0xff, 0x1b]));
        await stream.ended;
        expect(Buffer.concat(chunks)).toEqual(Buffer.from([...Buffer.from('ready'), 0x00, 0x80, 0xff, 0x1b]));
      });

      test('the sender pauses at 100,000 unacknowledged bytes and resumes under 5,000', async () => {
        let written = 0;
        const chunk = new Uint8Array(20_000);
        const { client } = await start({
          streams: {
            'console:attach': async (_, stream) => {
              while (!stream.signal.aborted) {
                written += chunk.byteLength;
                await stream.write(chunk);
              }
            },
          },
        });
        const releases: (() => void)[] = [];
        const stream = client.openStream(
          'console:attach',
          { instanceId },
          () => new Promise<void>((resolve) => releases.push(resolve)),
        );
        await vi.waitFor(() => expect(releases).toHaveLength(5));
        await settle();
        expect(written).toBe(pauseAtBytes);

        for (const release of releases.splice(0, 4)) release();
        await settle();
        expect(pauseAtBytes - 4 * chunk.byteLength).toBeGreaterThan(resumeUnderBytes);
        expect(written).toBe(pauseAtBytes);

        releases.shift()?.();
        await vi.waitFor(() => expect(written).toBe(2 * pauseAtBytes));
        stream.close();
      });

      test('megabytes arrive complete and in order', async () => {
        const total = 4_000_000;
        const { client } = await start({
          streams: {
            'console:attach': async (_, stream) => {
              for (let at = 0; at < total; at += 40_000) await stream.write(pattern(at, 40_000));
            },
          },
        });
        const chunks: Uint8Array[] = [];
        await client.openStream('console:attach', { instanceId }, (chunk) => void chunks.push(chunk)).ended;
        expect(Buffer.concat(chunks).equals(pattern(0, total))).toBe(true);
      });

      test('closing a stream tells the engine, whose blocked write ends', async () => {
        const outcome = vi.fn();
        const { client } = await start({
          streams: {
            'console:attach': async (_, stream) => {
              try {
                for (;;) await stream.write(new Uint8Array(60_000));
              } catch (error) {
                outcome((error as FirstlightError).code, stream.signal.aborted);
              }
            },
          },
        });
        const never = new Promise<void>(() => undefined);
        const arrived = vi.fn(() => never);
        const stream = client.openStream('console:attach', { instanceId }, arrived);
        await vi.waitFor(() => expect(arrived).toHaveBeenCalledTimes(2));
        stream.close();
        await stream.ended;
        await vi.waitFor(() => expect(outcome).toHaveBeenCalledWith('CANCELLED', true));
      });

      test('an error ends the stream and arrives whole', async () => {
        const { client } = await start({
          streams: {
            'console:attach': () => {
              throw new FirstlightError('NOT_FOUND', 'There is no such instance.', { hint: 'List them.' });
            },
          },
        });
        const { ended } = client.openStream('console:attach', { instanceId }, () => undefined);
        await expect(ended).rejects.toMatchObject({ code: 'NOT_FOUND', hint: 'List them.' });
      });
    });

    describe('a lost connection', () => {
      test('fails what is under way, and aborts the engine’s work', async () => {
        const signals: AbortSignal[] = [];
        const { client, cut, engine } = await start({
          calls: {
            'app:info': async (_, { signal }) => {
              signals.push(signal);
              await aborted(signal);
              return info;
            },
          },
          streams: {
            'console:attach': async (_, { signal }) => {
              signals.push(signal);
              await aborted(signal);
            },
          },
        });
        const call = client.call('app:info', {});
        const stream = client.openStream('console:attach', { instanceId }, () => undefined);
        const lost = Promise.all([
          expect(call).rejects.toMatchObject({ code: 'CONNECTION_LOST' }),
          expect(stream.ended).rejects.toMatchObject({ code: 'CONNECTION_LOST' }),
        ]);
        await vi.waitFor(() => expect(signals).toHaveLength(2));
        cut();
        await lost;
        await vi.waitFor(() => expect(signals.map((signal) => signal.aborted)).toEqual([true, true]));
        await vi.waitFor(() => expect(engine.endedCount()).toBe(1));
        await expect(client.call('app:info', {})).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
      });
    });

    describe('hostile messages', () => {
      test.each([
        ['null', null],
        ['an unknown type', { type: 'eval', id: 1 }],
        ['a negative id', { type: 'call', id: -1, name: 'app:info', input: {} }],
        ['an extra key', { type: 'cancel', id: 1, more: true }],
        ['a name of 101 letters', { type: 'call', id: 1, name: 'a'.repeat(101), input: {} }],
        ['bytes that are none', { type: 'data', id: 1, bytes: 'text' }],
      ])('%s ends the connection', async (_, message) => {
        const { client, sendRaw, engine } = await start({ calls: { 'app:info': () => info } });
        await connected(client, engine);
        sendRaw(message);
        await vi.waitFor(() => expect(engine.endedCount()).toBe(1));
      });

      test('an id that is still in use ends the connection', async () => {
        const { client, sendRaw, engine } = await start({
          calls: { 'app:info': (_, { signal }) => aborted(signal).then(() => info) },
        });
        client.call('app:info', {}).catch(() => undefined);
        sendRaw({ type: 'call', id: 1, name: 'app:info', input: {} });
        await vi.waitFor(() => expect(engine.endedCount()).toBe(1));
      });

      test('cancelling, acknowledging or closing what does not exist does nothing', async () => {
        const { client, sendRaw } = await start({ calls: { 'app:info': () => info } });
        for (const type of ['cancel', 'close']) sendRaw({ type, id: 77 });
        sendRaw({ type: 'ack', id: 77, count: 1e9 });
        expect(await client.call('app:info', {})).toEqual(info);
      });
    });
  });
}

/** Resolves when a call has gone through, so that the session is known to listen. */
async function connected(client: Client, engine: ScriptedEngine): Promise<void> {
  await client.call('app:info', {});
  expect(engine.listenerCount()).toBe(1);
}

const aborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

/** Long enough for a message to cross any of the transports, were there one. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 50));

/** Writes `ready`, then what it gets, then ends. */
async function echo(stream: EngineStream): Promise<void> {
  const received = new Promise<Uint8Array>((resolve) => stream.onData(resolve));
  await stream.write(Buffer.from('ready'));
  await stream.write(await received);
}

const pattern = (from: number, length: number) =>
  Buffer.from(Uint8Array.from({ length }, (_, index) => ((from + index) * 31) % 251));
