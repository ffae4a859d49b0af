import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { bootMarker } from '@firstlight/disk';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { Json } from '#shared/model/json.ts';
import { createFunctionServers } from '../testing/function-server.ts';
import { playInstance } from '../testing/instance-link.ts';
import { openNanosSession } from './nanos-session.ts';
import { createLineReader } from './read-lines.ts';
import { greeting, readyMarker, type WireRequest } from './wire.ts';

const servers = createFunctionServers();
const scripted: { server: Server; sockets: Set<Socket> }[] = [];
afterEach(async () => {
  await servers.stopAll();
  for (const { server, sockets } of scripted.splice(0)) {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
});
afterAll(() => servers.close());

const marker = String.fromCharCode(bootMarker);
const request = (event: Json = {}, timeoutMs = 20_000) => ({ event, timeoutMs });

/** A session with a function that runs on this machine's Node.js, up already. */
async function openReal(code: string, { fresh = true } = {}) {
  const server = await servers.start(code);
  const instance = playInstance({ port: server.port }, { fresh });
  const session = openNanosSession(instance.link);
  if (fresh) instance.say(`${marker}before${readyMarker}`);
  return { server, instance, session };
}

/** A session with a guest that answers requests by the script. */
async function openScripted(script: (asked: WireRequest, socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    const read = createLineReader((line) => {
      if (`${line}\n` !== greeting) script(JSON.parse(line) as WireRequest, socket);
    });
    socket.on('data', read);
    socket.on('error', () => undefined);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  scripted.push({ server, sockets });
  const instance = playInstance({ port: (server.address() as AddressInfo).port }, { fresh: false });
  return { session: openNanosSession(instance.link), instance, sockets };
}
const response = (id: number, more: object = {}) => {
  const rest = { status: 200, headers: {}, kind: 'json', body: '1', marks: [], received: 1, sent: 2 };
  return `${JSON.stringify({ type: 'response', id, ...rest, ...more })}\n`;
};

describe('a session with a function', () => {
  it('is ready with the marker that it listens, and gives answers with marks of both sides', async () => {
    const server = await servers.start('export default ({ n }) => ({ status: 201, headers: { A: 1 }, body: { n } });');
    const instance = playInstance({ port: server.port });
    const session = openNanosSession(instance.link);
    const answering = session.invoke(request({ n: 1 }));
    const early = await Promise.race([session.ready.then(() => 'ready'), new Promise((r) => setTimeout(r, 50, 'not'))]);
    expect(early).toBe('not');
    instance.say(`${marker}[0.1] en1: assigned 10.0.2.15\n`, 1000);
    instance.say(`hello ${readyMarker.slice(0, 2)}`, 2000);
    instance.say(`${readyMarker.slice(2)}there\n`, 3000);
    await session.ready;
    const { outcome, marks, hostMarks, guestClock, received, sentAtNs, receivedAtNs } = await answering;
    expect(outcome).toMatchObject({
      ok: true,
      response: { status: 201, headers: { a: '1' }, body: { kind: 'json', value: { n: 1 } }, bytes: 7 },
    });
    const booted = ['node.started', 'function.loading', 'function.loaded', 'listening'];
    expect(marks.map(({ name }) => name)).toEqual([...booted, 'handler.called', 'handler.returned']);
    expect(marks.slice(-2).map(({ opens }) => opens)).toEqual(['handler', 'respond']);
    expect(hostMarks?.map(({ name, atNs }) => [name, atNs])).toEqual([
      ['boot.sector', 1000],
      ['network.address', 1000],
      ['listening.seen', 3000],
    ]);
    expect(guestClock).toBe('guest-monotonic');
    // The marker that it listens ties the clocks, as the answer does.
    expect(received).toEqual([
      { ticks: marks.find(({ name }) => name === 'listening')?.ticks, atNs: 3000 },
      { ticks: expect.any(Number), atNs: expect.any(Number) },
      { ticks: expect.any(Number), atNs: receivedAtNs },
    ]);
    expect(receivedAtNs).toBeGreaterThan(sentAtNs);
    // The boot watch no longer reads the serial port.
    expect(instance.listeners()).toBe(0);
  });

  it('answers one at a time, and pings beside them', async () => {
    const { session } = await openReal(`let busy = 0;
      export default async () => { busy += 1; await new Promise((r) => setTimeout(r, 20)); return busy--; };`);
    const [first, second, samples] = await Promise.all([
      session.invoke(request()),
      session.invoke(request()),
      session.sampleClock(3),
    ]);
    for (const { outcome } of [first, second]) expect(outcome).toMatchObject({ response: { body: { value: 1 } } });
    expect(second.sentAtNs).toBeGreaterThanOrEqual(first.receivedAtNs);
    expect(samples).toHaveLength(3);
    for (const sample of samples) {
      expect(sample.hostReceivedNs).toBeGreaterThanOrEqual(sample.hostSentNs);
      expect(sample.guestSentTicks).toBeGreaterThanOrEqual(sample.guestReceivedTicks);
    }
  });

  it('reports what was thrown, what cannot be sent and what took too long, and stays usable', async () => {
    const { session } = await openReal(`export default ({ run }) => {
      if (run === 'throw') throw new RangeError('too far');
      if (run === 'function') return { at: () => 1 };
      if (run === 'never') return new Promise(() => {});
      return 'fine';
    };`);
    const fails = async (run: string, timeoutMs?: number) =>
      (await session.invoke(request({ run }, timeoutMs))).outcome;
    expect(await fails('throw')).toMatchObject({
      fatal: false,
      error: {
        code: 'FUNCTION_THREW',
        message: 'RangeError: too far',
        details: { stack: expect.stringMatching(/bundle\.js:2/) },
      },
    });
    expect(await fails('function')).toMatchObject({ fatal: false, error: { code: 'RESPONSE_NOT_SERIALIZABLE' } });
    expect(await fails('never', 50)).toMatchObject({ fatal: false, error: { code: 'FUNCTION_TIMEOUT' } });
    expect(await fails('fine')).toMatchObject({ ok: true });
  });

  it.each([
    ['process.exit(3)', 'The function ended Node.js, with exit code 3.'],
    ['new Promise(() => setTimeout(() => { throw new Error("late"); }, 1))', 'Error: late'],
    ['new Promise(() => void Promise.reject(new Error("unseen")))', 'Error: unseen'],
  ])('knows that the instance is of no further use after %s', async (code, message) => {
    const { session } = await openReal(`export default () => ${code};`);
    const { outcome } = await session.invoke(request());
    expect(outcome).toMatchObject({
      ok: false,
      fatal: true,
      error: { code: 'FUNCTION_CRASHED', details: { stack: expect.stringContaining('bundle.js:1') } },
    });
    if (!outcome.ok) expect(outcome.error.message).toContain(message);
  });

  it('reports why a function could not be loaded', async () => {
    const { session } = await openReal('throw new Error("not today");\nexport default () => 1;');
    const { outcome } = await session.invoke(request());
    expect(outcome).toMatchObject({ fatal: true, error: { code: 'EVALUATION_THREW' } });
  });

  it('ends a function that computes without end', async () => {
    const { session } = await openReal('export default () => { for (;;); };');
    const { outcome } = await session.invoke(request({}, 10));
    expect(outcome).toMatchObject({ fatal: true, error: { code: 'FUNCTION_TIMEOUT' } });
  });

  it('takes the instance for dead when it ends, and when an invocation under way is cancelled', async () => {
    const never = 'export default () => new Promise(() => {});';
    const ending = await openReal(never);
    const waiting = ending.session.invoke(request());
    setTimeout(ending.instance.end, 50);
    expect((await waiting).outcome).toMatchObject({ fatal: true, error: { code: 'CHANNEL_BROKEN' } });
    expect(await ending.session.closed).toBeNull();

    const { session } = await openReal(never);
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 50);
    const { outcome } = await session.invoke({ ...request(), signal: abort.signal });
    expect(outcome).toMatchObject({ fatal: true, error: { code: 'CANCELLED' } });
  });

  it('ends before it listened', async () => {
    const instance = playInstance({ port: 1 });
    const session = openNanosSession(instance.link);
    const waiting = session.invoke(request());
    instance.say(`${marker}no such file\n`);
    instance.end();
    const { outcome, hostMarks } = await waiting;
    expect(outcome).toMatchObject({ fatal: true, error: { code: 'CHANNEL_BROKEN' } });
    expect(hostMarks?.map(({ name }) => name)).toEqual(['boot.sector']);
  });

  it('leaves a guest alone that was never asked', async () => {
    const { session } = await openReal('export default () => 1;', { fresh: false });
    const { outcome } = await session.invoke({ ...request(), signal: AbortSignal.abort() });
    expect(outcome).toMatchObject({ ok: false, fatal: false, error: { code: 'CANCELLED' } });
    const large = await session.invoke(request({ text: 'x'.repeat(16 << 20) }));
    expect(large.outcome).toMatchObject({ fatal: false, error: { code: 'BAD_INPUT' } });
    expect((await session.invoke(request())).outcome).toMatchObject({ ok: true });
  });

  it('connects again when the connection has ended meanwhile', async () => {
    let asked = 0;
    const { session, sockets } = await openScripted(({ id }, socket) => {
      asked++;
      socket.write(response(id));
    });
    expect((await session.invoke(request())).outcome.ok).toBe(true);
    const [first] = sockets;
    const closed = first && once(first, 'close');
    first?.end();
    first?.resume();
    await closed;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await session.invoke(request())).outcome.ok).toBe(true);
    expect([asked, sockets.size]).toEqual([2, 2]);
  });

  it('waits for the address of a guest on another network', async () => {
    const server = await servers.start('export default () => 1;');
    const instance = playInstance({ port: server.port, host: null });
    const session = openNanosSession(instance.link);
    let ready = false;
    void session.ready.then(() => {
      ready = true;
    });
    instance.say(`${marker}${readyMarker}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(ready).toBe(false);
    instance.say('\n[0.3] en1: assigned 127.0.0.1\n');
    expect((await session.invoke(request())).outcome.ok).toBe(true);
    const later = openNanosSession(playInstance({ port: server.port, host: null }, { fresh: false }).link);
    expect((await later.invoke(request())).outcome).toMatchObject({ error: { code: 'CHANNEL_BROKEN' } });
  });
});

describe('a guest that does not keep to the protocol', () => {
  it.each<[string, (id: number) => string]>([
    ['no JSON', () => 'what\n'],
    ['an answer of no known kind', (id) => `{"type":"surprise","id":${id}}\n`],
    ['a status that is none', (id) => response(id, { status: 99 })],
    ['more marks than there can be', (id) => response(id, { marks: Array(101).fill(['a', 1]) })],
    ['a body that is not the JSON it is said to be', (id) => response(id, { body: '{"a":' })],
    ['a pong to an invocation', (id) => `{"type":"pong","id":${id},"received":1,"sent":2}\n`],
  ])('is given up on after %s', async (_, answer) => {
    const { session } = await openScripted(({ id }, socket) => void socket.write(answer(id)));
    const { outcome } = await session.invoke(request());
    expect(outcome).toMatchObject({ ok: false, fatal: true, error: { code: 'CHANNEL_BROKEN' } });
  });

  it('is given up on when it sends without end', async () => {
    const chunk = Buffer.alloc(1 << 20, 'x');
    const { session } = await openScripted((_, socket) => {
      const more = () => void (socket.writable && socket.write(chunk, more));
      more();
    });
    const { outcome } = await session.invoke(request());
    expect(outcome).toMatchObject({ ok: false, fatal: true, error: { code: 'CHANNEL_BROKEN' } });
  });

  it('is heard past answers that nobody asked for', async () => {
    const { session } = await openScripted(({ id }, socket) => {
      socket.write(response(id + 1, { body: '"of an earlier owner"' }) + response(id, { body: '"mine"' }));
    });
    expect((await session.invoke(request())).outcome).toMatchObject({ response: { body: { value: 'mine' } } });
  });

  it('is given up on when it ends the connection, or cannot be reached', async () => {
    const { session } = await openScripted((_, socket) => void socket.end());
    expect((await session.invoke(request())).outcome).toMatchObject({ error: { code: 'CHANNEL_BROKEN' } });
    const unreachable = openNanosSession(playInstance({ port: 1 }, { fresh: false }).link);
    expect((await unreachable.invoke(request())).outcome).toMatchObject({
      fatal: true,
      error: { code: 'CHANNEL_BROKEN', message: 'The guest cannot be reached at 127.0.0.1:1.' },
    });
  });
});
