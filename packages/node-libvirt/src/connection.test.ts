import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type Connection,
  type ConnectOptions,
  connect,
  isNotFound,
  isOperationInvalid,
  LibvirtConnectionError,
  LibvirtError,
  LibvirtProtocolError,
  LibvirtTimeoutError,
  type LifecycleEvent,
} from './index.ts';
import { AuthType, ErrorCode } from './protocol.gen.ts';
import { FakeLibvirt } from './testing/index.ts';

const xml = (name: string) => `<domain type='qemu'><name>${name}</name></domain>`;
const quick = { firstDelayMs: 10, maxDelayMs: 20, attempts: 100 };

let fake: FakeLibvirt;
const connections: Connection[] = [];
beforeEach(async () => {
  fake = await FakeLibvirt.start();
});
afterEach(async () => {
  for (const connection of connections.splice(0)) await connection.close();
  await fake.stop();
});

async function open(options: Partial<ConnectOptions> = {}): Promise<Connection> {
  const connection = await connect({ uri: fake.uri, reconnect: quick, ...options });
  connections.push(connection);
  return connection;
}

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    () => expect.fail('it should have failed'),
    (error: unknown) => error,
  );
}

describe('opening', () => {
  it('authenticates, asks for keepalive and opens, in that order', async () => {
    await open();
    expect(fake.calls).toEqual(['authList', 'connectSupportsFeature', 'connectOpen']);
  });

  it('passes polkit when the daemon asks for it', async () => {
    fake.authTypes = [AuthType.POLKIT];
    await open();
    expect(fake.calls).toContain('authPolkit');
  });

  it('says that polkit refused', async () => {
    fake.authTypes = [AuthType.POLKIT];
    fake.inject({
      call: 'authPolkit',
      fault: { kind: 'error', code: ErrorCode.VIR_ERR_AUTH_FAILED, message: 'no agent' },
    });
    expect(await failure(open())).toMatchObject({ reason: 'auth-failed', socketPath: fake.socketPath });
  });

  it('says that SASL is not built in', async () => {
    fake.authTypes = [AuthType.SASL];
    expect(await failure(open())).toMatchObject({
      reason: 'auth-unsupported',
      message: expect.stringContaining('SASL'),
    });
    expect(fake.calls).toEqual(['authList']);
  });

  it('says that no daemon is running', async () => {
    const error = await failure(open({ uri: 'qemu+unix:///system?socket=/tmp/nlv-nobody-here' }));
    expect(error).toMatchObject({ reason: 'no-daemon', socketPath: '/tmp/nlv-nobody-here' });
  });

  it('can be given up', async () => {
    fake.inject({ call: 'connectOpen', fault: { kind: 'silence' } });
    const reason = new Error('enough');
    expect(await failure(open({ signal: AbortSignal.timeout(30) }))).toMatchObject({ name: 'TimeoutError' });
    expect(await failure(open({ signal: AbortSignal.abort(reason) }))).toBe(reason);
  });
});

describe('domains', () => {
  it('are created paused, resumed, described, listed and destroyed', async () => {
    const started = vi.fn();
    fake.onGuestStart = started;
    const conn = await open();
    const dom = await conn.createDomainXml(xml('one'), { paused: true });
    expect(await dom.state()).toEqual({ state: 'paused', reason: 'user', stateCode: 3, reasonCode: 1 });
    expect(started).not.toHaveBeenCalled();
    await dom.resume();
    expect(started).toHaveBeenCalledOnce();
    expect((await dom.state()).state).toBe('running');
    expect((await conn.listDomains({ running: true })).map((d) => d.name)).toEqual(['one']);
    expect(await conn.listDomains({ paused: true })).toEqual([]);
    expect((await conn.lookupByUuid(dom.uuid)).id).toBe(dom.id);
    expect((await conn.lookupById(dom.id)).name).toBe('one');
    expect(await dom.xml()).toBe(xml('one'));
    await dom.setMetadata('urn:x', 'x', '<a/>');
    expect([await dom.getMetadata('urn:x'), await dom.getMetadata('urn:y')]).toEqual(['<a/>', null]);
    await dom.destroy();
    expect(isNotFound(await failure(dom.state()))).toBe(true);
  });

  it('are defined, started and undefined', async () => {
    const conn = await open();
    const dom = await conn.defineDomainXml(xml('kept'));
    expect([await dom.isActive(), await dom.isPersistent(), dom.id]).toEqual([false, true, -1]);
    expect(isOperationInvalid(await failure(dom.resume()))).toBe(true);
    expect((await dom.create()).id).toBeGreaterThan(0);
    await dom.destroy();
    await dom.undefine();
    expect(await conn.listDomains()).toEqual([]);
  });

  it('are saved into a file, and restored from it paused', async () => {
    const conn = await open();
    const dom = await conn.createDomainXml(xml('saved'));
    await dom.save('/saved');
    expect(await conn.listDomains()).toEqual([]);
    await conn.restoreDomain('/saved');
    const again = await conn.lookupByName('saved');
    expect((await again.state()).state).toBe('paused');
    await again.resume();
    expect((await again.state()).state).toBe('running');
    expect(await failure(conn.restoreDomain('/other'))).toMatchObject({ message: expect.stringContaining('/other') });
  });

  it('with autodestroy go when the connection does', async () => {
    const conn = await open();
    await conn.createDomainXml(xml('mine'), { autodestroy: true });
    await conn.close();
    await expect.poll(() => fake.domains.size).toBe(0);
  });

  it('give statistics keyed by field', async () => {
    fake.addDomain({ name: 'a' }).stats = { 'cpu.time': 5, 'vcpu.0.time': 3, 'net.0.name': 'tap0' };
    const conn = await open();
    const [stats] = await conn.getAllDomainStats({ cpu: true, nowait: true });
    expect(stats?.domain.name).toBe('a');
    expect(stats?.params).toMatchObject({ 'state.state': 1, 'cpu.time': 5, 'net.0.name': 'tap0' });
    expect(stats?.receivedAtNs).toBeGreaterThan(0n);
  });
});

describe('errors of the daemon', () => {
  it('reach the caller whole, with the caller on the stack', async () => {
    const conn = await open();
    fake.inject({
      call: 'domainCreateXml',
      fault: { kind: 'error', code: ErrorCode.VIR_ERR_XML_ERROR, message: 'bad', domain: 27 },
    });
    const error = await failure(conn.createDomainXml('<x/>'));
    expect(error).toBeInstanceOf(LibvirtError);
    expect(error).toMatchObject({
      code: 27,
      codeName: 'VIR_ERR_XML_ERROR',
      domainName: 'VIR_FROM_ONE',
      message: 'bad',
      level: 2,
    });
    expect((error as Error).stack).toContain('createDomainXml');
  });

  it('of a newer libvirt keep their number', async () => {
    const conn = await open();
    fake.inject({ call: 'connectGetUri', fault: { kind: 'error', code: 999, message: 'new', domain: 999 } });
    expect(await failure(conn.uri())).toMatchObject({ code: 999, codeName: 'VIR_ERR_999', domainName: 'VIR_FROM_999' });
  });
});

describe('calls', () => {
  it('wait for one another beyond five in flight, and all are answered in order', async () => {
    const conn = await open();
    fake.inject({ call: 'connectGetHostname', fault: { kind: 'delay', ms: 300 }, times: 5 });
    const done: number[] = [];
    const all = Array.from({ length: 12 }, (_, i) => conn.hostname().then(() => done.push(i)));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(fake.calls.filter((name) => name === 'connectGetHostname')).toHaveLength(5);
    expect(done).toEqual([]);
    await Promise.all(all);
    expect(done).toHaveLength(12);
  });

  it('stop waiting on a timeout or a signal, and the connection goes on', async () => {
    const conn = await open();
    fake.inject({ call: 'connectGetHostname', fault: { kind: 'delay', ms: 80 }, times: 2 });
    const error = await failure(conn.hostname({ timeoutMs: 20 }));
    expect(error).toBeInstanceOf(LibvirtTimeoutError);
    const stop = new AbortController();
    const second = failure(conn.hostname({ signal: stop.signal }));
    stop.abort(new Error('stop'));
    expect(await second).toMatchObject({ message: 'stop' });
    expect(await conn.uri()).toBe('qemu:///system');
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(conn.connected).toBe(true);
  });

  it('say when they were queued, sent and answered', async () => {
    const conn = await open();
    const timing: { queuedAtNs?: bigint; sentAtNs?: bigint; receivedAtNs?: bigint } = {};
    await conn.hostname({ timing });
    expect(timing.sentAtNs).toBeGreaterThanOrEqual(timing.queuedAtNs ?? 0n);
    expect(timing.receivedAtNs).toBeGreaterThan(timing.sentAtNs ?? 0n);
  });

  it('refuse what does not fit on the wire, without harm to the connection', async () => {
    const conn = await open();
    expect(await failure(conn.createDomainXml('x'.repeat(4_194_305)))).toBeInstanceOf(RangeError);
    expect(await failure(conn.lookupByUuid('none'))).toBeInstanceOf(RangeError);
    expect(await conn.hostname()).toBe('fake');
  });
});

describe('events', () => {
  it('come in order, in words, with their time, from the moment of subscribing', async () => {
    const conn = await open();
    const seen: LifecycleEvent[] = [];
    const subscription = await conn.subscribe('lifecycle', (event) => seen.push(event));
    const dom = await conn.createDomainXml(xml('e'), { paused: true });
    await dom.resume();
    await dom.suspend();
    await dom.destroy();
    expect(seen.map((e) => `${e.event} ${e.detail}`)).toEqual([
      'started booted',
      'suspended paused',
      'resumed unpaused',
      'suspended paused',
      'stopped destroyed',
    ]);
    expect(seen.every((e, i) => i === 0 || e.receivedAtNs >= (seen[i - 1]?.receivedAtNs ?? 0n))).toBe(true);
    await subscription.close();
    expect(fake.calls.at(-1)).toBe('connectDomainEventCallbackDeregisterAny');
  });

  it('share one registration, and can be narrowed to a domain', async () => {
    const conn = await open();
    const dom = await conn.createDomainXml(xml('a'));
    const other = await conn.createDomainXml(xml('b'));
    const [all, one] = [vi.fn(), vi.fn()];
    const first = await conn.subscribe('lifecycle', all);
    const second = await conn.subscribe('lifecycle', one, { domain: dom });
    await other.suspend();
    await dom.suspend();
    expect([all.mock.calls.length, one.mock.calls.length]).toEqual([2, 1]);
    await first.close();
    await dom.resume();
    expect([all.mock.calls.length, one.mock.calls.length]).toEqual([2, 2]);
    await second.close();
    expect(fake.calls.filter((name) => name.includes('CallbackRegister'))).toHaveLength(1);
    expect(fake.calls.filter((name) => name.includes('CallbackDeregister'))).toHaveLength(1);
  });

  it('of a kind that the daemon refuses fail the subscription', async () => {
    const conn = await open();
    fake.inject({ call: 'qemuMonitorEventRegister', fault: { kind: 'error', code: 3, message: 'not here' } });
    expect(await failure(conn.subscribe('monitor', () => undefined))).toMatchObject({ codeName: 'VIR_ERR_NO_SUPPORT' });
  });
});

describe('a daemon that goes away', () => {
  it('fails what is in flight, is reported, and is found again with all subscriptions', async () => {
    const conn = await open();
    const seen: string[] = [];
    await conn.subscribe('lifecycle', (event) => seen.push(event.event));
    const dom = await conn.createDomainXml(xml('a'));
    const stream = await dom.openConsole();
    const streamError = once(stream, 'error').then(([error]) => error as unknown);
    const [disconnected, reopened] = [once(conn, 'disconnected'), once(conn, 'reopened')];
    fake.inject({ call: 'connectGetHostname', fault: { kind: 'silence' } });
    const inFlight = failure(conn.hostname());
    await fake.stopListening();
    expect(await inFlight).toMatchObject({ name: 'LibvirtConnectionError', reason: 'disconnected' });
    expect((await disconnected)[0]).toMatchObject({ error: { reason: 'disconnected' }, atNs: expect.any(BigInt) });
    expect(await streamError).toBeInstanceOf(LibvirtConnectionError);
    expect(conn.connected).toBe(false);
    expect(await failure(conn.hostname())).toMatchObject({ reason: 'disconnected' });
    await fake.listen();
    expect((await reopened)[0]).toMatchObject({ downMs: expect.any(Number) });
    seen.length = 0;
    await dom.suspend();
    expect(seen).toEqual(['suspended']);
  });

  it('for good ends the connection after the last attempt', async () => {
    const conn = await open({ reconnect: { firstDelayMs: 5, maxDelayMs: 5, attempts: 3 } });
    const closed = once(conn, 'closed');
    await fake.stopListening();
    expect((await closed)[0]).toMatchObject({
      error: { reason: 'disconnected', message: expect.stringContaining('3 attempts') },
    });
    expect(await failure(conn.hostname())).toMatchObject({ reason: 'disconnected' });
  });

  it('ends the connection at once when reopening is off', async () => {
    const conn = await open({ reconnect: false });
    const closed = once(conn, 'closed');
    fake.inject({ call: 'connectGetHostname', fault: { kind: 'drop' } });
    expect(await failure(conn.hostname())).toMatchObject({ reason: 'disconnected' });
    expect((await closed)[0]).toMatchObject({ error: { reason: 'disconnected' } });
  });

  it('does not keep close() from closing', async () => {
    const conn = await open();
    const reopened = vi.fn();
    conn.on('reopened', reopened);
    await fake.stopListening();
    await conn.close();
    await fake.listen();
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(reopened).not.toHaveBeenCalled();
    expect(await failure(conn.hostname())).toMatchObject({ reason: 'closed' });
  });
});

describe('a server that does not keep to the protocol', () => {
  it.each(['malformed', 'truncated', 'oversized'] as const)(
    '(%s) ends the connection for good, with a typed error',
    async (kind) => {
      const conn = await open();
      const closed = once(conn, 'closed');
      fake.inject({ call: 'connectGetLibVersion', fault: { kind } });
      expect(await failure(conn.libVersion())).toBeInstanceOf(LibvirtProtocolError);
      expect((await closed)[0]).toMatchObject({ error: { reason: 'protocol' } });
      expect(await failure(conn.libVersion())).toMatchObject({ reason: 'disconnected', cause: { reason: 'protocol' } });
    },
  );

  it('by events nobody asked for ends likewise', async () => {
    const conn = await open();
    const closed = once(conn, 'closed');
    fake.sendRaw(Buffer.from('0000001c200080860000000100000bb8000000020000000000000000', 'hex'));
    expect((await closed)[0]).toMatchObject({ error: { name: 'LibvirtProtocolError' } });
  });

  it('that sends arbitrary bytes does not crash the client', async () => {
    let seed = 42;
    const random = () => {
      seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff;
      return seed / 0x7fffffff;
    };
    for (let round = 0; round < 40; round++) {
      const conn = await open({ reconnect: false });
      const closed = once(conn, 'closed');
      const junk = Buffer.from(
        Array.from({ length: 4 + Math.floor(random() * 200) }, () => Math.floor(random() * 256)),
      );
      // Half of them with a plausible length word, to get past the first check.
      if (round % 2) junk.writeUInt32BE(Math.max(28, junk.length), 0);
      const answer = failure(conn.hostname({ timeoutMs: 500 }));
      fake.inject({ call: 'connectGetHostname', fault: { kind: 'silence' } });
      fake.sendRaw(junk);
      fake.dropConnections();
      await closed;
      expect(await answer).toBeInstanceOf(Error);
    }
  });
});

describe('the fake server itself', () => {
  it('is gone once stopped', async () => {
    await fake.stop();
    const socket = connectSocket(fake.socketPath);
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ENOENT');
  });
});
