import { describe, expect, test, vi } from 'vitest';
import { aborted, connected, info, instanceId, type Start } from './suite-parts.ts';

/** The behaviour of any transport when the connection is lost, or the other side is hostile. */
export function describeFaults(start: Start): void {
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
}
