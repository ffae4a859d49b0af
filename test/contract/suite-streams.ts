import { describe, expect, test, vi } from 'vitest';
import type { EngineStream } from '#shared/contract/index.ts';
import { pauseAtBytes, resumeUnderBytes } from '#shared/contract/wire.ts';
import { FirstlightError } from '#shared/errors.ts';
import { echo, instanceId, pattern, type Start, settle } from './suite-parts.ts';

/** Streams over any transport. */
export function describeStreams(start: Start): void {
  describe('streams', () => {
    test('bytes go both ways unchanged, and the end is reported', async () => {
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

    test('several writers of one stream, which wait for its reader, all go on', async () => {
      const chunk = new Uint8Array(60_000);
      const writeSome = async (stream: EngineStream) => {
        for (let count = 0; count < 5; count += 1) await stream.write(chunk);
      };
      const { client } = await start({
        streams: {
          'console:attach': async (_, stream) => {
            await Promise.all([writeSome(stream), writeSome(stream), writeSome(stream)]);
          },
        },
      });
      let bytes = 0;
      await client.openStream('console:attach', { instanceId }, (part) => {
        bytes += part.byteLength;
      }).ended;
      expect(bytes).toBe(15 * chunk.byteLength);
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
}
