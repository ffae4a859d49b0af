import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { frameTypes, guestErrorCodes, headerBytes, protocolVersion } from './channel.ts';
import { openEmberSession } from './guest-session.ts';
import { markNames } from './layout.ts';

interface Asked {
  readonly type: number;
  readonly id: number;
  readonly body: Buffer;
}

/** The guest's end: passes each received frame to `answer`, which may send frames back. */
function createGuest(answer: (asked: Asked, send: (frame: Buffer) => void) => void) {
  let pending = Buffer.alloc(0);
  const channel = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => {
      pending = Buffer.concat([pending, chunk]);
      while (pending.length >= headerBytes && pending.length >= headerBytes + pending.readUInt32LE(0)) {
        const end = headerBytes + pending.readUInt32LE(0);
        answer(
          { type: pending.readUInt8(4), id: pending.readUInt32LE(8), body: pending.subarray(headerBytes, end) },
          (frame) => channel.push(frame),
        );
        pending = pending.subarray(end);
      }
      done();
    },
  });
  return channel;
}

function frame(type: number, id: number, body: Buffer): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32LE(body.length, 0);
  header.writeUInt8(type, 4);
  header.writeUInt8(protocolVersion, 5);
  header.writeUInt32LE(id, 8);
  return Buffer.concat([header, body]);
}

/** The clock block with one mark (`entry` at tick 7), and the fields after it. */
function answerBody(fields: Buffer, tail: Buffer): Buffer {
  const clock = Buffer.alloc(24);
  clock.writeBigUInt64LE(1000n, 0);
  clock.writeBigUInt64LE(2_000_000_000n, 8);
  clock.writeUInt16LE(1, 16);
  clock.writeUInt16LE(20, 18);
  clock.writeUInt32LE(1_000_000, 20);
  const mark = Buffer.alloc(16);
  mark.writeUInt16LE(markNames.indexOf('entry'), 0);
  mark.writeBigUInt64LE(7n, 8);
  return Buffer.concat([clock, fields, mark, tail]);
}

function response(id: number, json: string): Buffer {
  const body = Buffer.from(json);
  const fields = Buffer.alloc(16);
  fields.writeUInt16LE(200, 0);
  fields.writeUInt8(1, 2);
  fields.writeUInt32LE(0, 4);
  fields.writeUInt32LE(body.length, 8);
  return frame(frameTypes.response, id, answerBody(fields, body));
}

function failure(id: number, code: (typeof guestErrorCodes)[number], fatal: boolean): Buffer {
  const [name, message, stack] = ['TypeError', 'bad', '    at handler (bundle.js:1:2)'].map((text) =>
    Buffer.from(text),
  );
  const fields = Buffer.alloc(16);
  fields.writeUInt16LE(guestErrorCodes.indexOf(code), 0);
  fields.writeUInt8(fatal ? 1 : 0, 2);
  [name, message, stack].forEach((text, at) => {
    fields.writeUInt32LE(text?.length ?? 0, 4 + 4 * at);
  });
  return frame(frameTypes.error, id, answerBody(fields, Buffer.concat([name, message, stack] as Buffer[])));
}

const options = { tscHz: 0n, onTscHz: () => undefined };

describe('openEmberSession', () => {
  it('gives the answer with the guest’s marks, and one at a time', async () => {
    const asked: number[] = [];
    const hz: bigint[] = [];
    const guest = createGuest(({ id, body }, send) => {
      asked.push(id);
      const event = body.subarray(56).toString();
      setTimeout(() => send(response(id, event)), 5);
    });
    const session = openEmberSession(guest, { tscHz: 0n, onTscHz: (value) => hz.push(value) });
    const [first, second] = await Promise.all([
      session.invoke({ event: { n: 1 }, timeoutMs: 1000 }),
      session.invoke({ event: { n: 2 }, timeoutMs: 1000 }),
    ]);
    expect(first.outcome).toMatchObject({ ok: true, response: { body: { kind: 'json', value: { n: 1 } } } });
    expect(second.outcome).toMatchObject({ ok: true, response: { body: { kind: 'json', value: { n: 2 } } } });
    expect(second.sentAtNs).toBeGreaterThan(first.receivedAtNs);
    expect(first.marks).toEqual([{ name: 'ember.entry', label: expect.any(String), ticks: 7, opens: 'kernel' }]);
    expect(asked[1]).toBe((asked[0] ?? 0) + 1);
    expect(hz[0]).toBe(2_000_000_000n);
  });

  it('gives the guest variables before it is called', async () => {
    const asked: [number, string][] = [];
    const guest = createGuest(({ type, id, body }, send) => {
      asked.push([type, type === frameTypes.environ ? body.toString() : '']);
      if (type === frameTypes.invoke) send(response(id, '1'));
    });
    const session = openEmberSession(guest, options);
    const { outcome } = await session.invoke({ event: 1, variables: { A: 'é' }, timeoutMs: 1000 });
    await session.invoke({ event: 1, variables: {}, timeoutMs: 1000 });
    expect(outcome.ok).toBe(true);
    const call = [frameTypes.invoke, ''];
    expect(asked).toEqual([[frameTypes.environ, '{"A":"é"}'], call, call]);
    const variables = { A: 'x'.repeat(17 << 20) };
    const refused = await session.invoke({ event: 1, variables, timeoutMs: 1000 }).catch((error) => error);
    expect(refused).toMatchObject({ code: 'BAD_INPUT', message: expect.stringContaining('The environment takes') });
  });

  it('reports what the function threw, with its stack', async () => {
    const guest = createGuest(({ id }, send) => send(failure(id, 'FUNCTION_THREW', false)));
    const { outcome } = await openEmberSession(guest, options).invoke({ event: null, timeoutMs: 1000 });
    expect(outcome).toMatchObject({
      ok: false,
      fatal: false,
      error: {
        code: 'FUNCTION_THREW',
        message: 'TypeError: bad',
        details: { stack: expect.stringContaining('bundle.js:1:2') },
      },
    });
  });

  it('gives a guest that serves HTTP its clock and seed once it is up, and no other guest', async () => {
    for (const servesHttp of [true, false]) {
      const types: number[] = [];
      const guest = createGuest(({ type, id }, send) => {
        types.push(type);
        if (type === frameTypes.invoke) send(response(id, '1'));
      });
      const session = openEmberSession(guest, { ...options, servesHttp });
      guest.push(frame(frameTypes.hello, 0, answerBody(Buffer.alloc(16), Buffer.alloc(0))));
      await session.ready;
      await session.invoke({ event: null, timeoutMs: 1000 });
      expect(types).toEqual(servesHttp ? [frameTypes.seed, frameTypes.invoke] : [frameTypes.invoke]);
    }
  });

  it('gives up on a guest that breaks the protocol, and on one whose channel ends', async () => {
    const liar = createGuest((_, send) => send(Buffer.alloc(64, 0xff)));
    const broken = await openEmberSession(liar, options).invoke({ event: null, timeoutMs: 1000 });
    expect(broken.outcome).toMatchObject({ ok: false, fatal: true, error: { code: 'CHANNEL_BROKEN' } });
    const quitter: Duplex = createGuest(() => void quitter.destroy());
    const session = openEmberSession(quitter, options);
    const ended = await session.invoke({ event: null, timeoutMs: 1000 });
    expect(ended.outcome).toMatchObject({ ok: false, fatal: true, error: { code: 'CHANNEL_BROKEN' } });
    expect(await session.closed).toBeNull();
  });

  it('passes over what nobody asked for, and ends a guest that goes on with it', async () => {
    const hello = frame(frameTypes.hello, 0, answerBody(Buffer.alloc(16), Buffer.alloc(0)));
    const stale = response(1, '"of an earlier owner"');
    const guest = createGuest(({ id }, send) =>
      send(Buffer.concat([hello, stale, response(id, '"mine"'), failure(id, 'CRASHED', true)])),
    );
    const session = openEmberSession(guest, options);
    const { outcome, received } = await session.invoke({ event: null, timeoutMs: 1000 });
    expect(outcome).toMatchObject({ ok: true, response: { body: { value: 'mine' } } });
    expect(received).toHaveLength(2);
    for (let i = 0; i < 20; i++) guest.push(hello);
    expect(await session.closed).toMatchObject({ code: 'CHANNEL_BROKEN' });
  });

  it('keeps the first messages only, however many invocations there are', async () => {
    const guest = createGuest(({ id }, send) => send(response(id, '1')));
    const session = openEmberSession(guest, options);
    for (let i = 0; i < 40; i++) await session.invoke({ event: null, timeoutMs: 1000 });
    expect((await session.invoke({ event: null, timeoutMs: 1000 })).received).toHaveLength(16);
  });

  it('takes the instance for dead when an invocation is cancelled', async () => {
    const abort = new AbortController();
    const silent = createGuest(() => setTimeout(() => abort.abort(), 5));
    const { outcome } = await openEmberSession(silent, options).invoke({
      event: null,
      timeoutMs: 1000,
      signal: abort.signal,
    });
    expect(outcome).toMatchObject({ ok: false, fatal: true, error: { code: 'CANCELLED' } });
  });

  it('takes clock samples in order', async () => {
    let tick = 0n;
    const guest = createGuest(({ id, body }, send) => {
      const pong = Buffer.alloc(32);
      body.copy(pong, 0, 0, 8);
      pong.writeBigUInt64LE(++tick, 8);
      pong.writeBigUInt64LE(++tick, 16);
      send(frame(frameTypes.pong, id, pong));
    });
    const samples = await openEmberSession(guest, options).sampleClock(3);
    expect(samples.map((sample) => sample.guestReceivedTicks)).toEqual([1, 3, 5]);
    for (const sample of samples) expect(sample.hostReceivedNs).toBeGreaterThanOrEqual(sample.hostSentNs);
  });
});

it('of a guest that has booted before is ready at once, and has no marks of that boot', async () => {
  const channel = createGuest(({ id }, send) => send(response(id, '{"ok":true}')));
  const session = openEmberSession(channel, { tscHz: 0n, onTscHz: () => undefined, isUp: true });
  await session.ready;
  const result = await session.invoke({ event: null, timeoutMs: 1000 });
  expect([result.outcome.ok, result.marks]).toEqual([true, []]);
  session.close();
});
