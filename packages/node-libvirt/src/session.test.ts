import { type Duplex, duplexPair } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { LibvirtConnectionError, LibvirtError, LibvirtProtocolError } from './errors.ts';
import {
  connectGetAllDomainStats,
  connectGetLibVersion,
  domainLookupByName,
  domainOpenConsole,
} from './protocol.gen.ts';
import { Session, type WireEvent } from './session.ts';
import { bytes } from './testing/annotated.ts';

const uuid = '00112233-4455-6677-8899-aabbccddeeff';
const uuidBytes = ['00112233 44556677 8899aabb ccddeeff', `UUID ${uuid}`] as const;
const dom = { name: 'nlv-cap', uuid, id: 8 };

/** A session whose server is the test: the test reads the written bytes and answers with its own. */
function open() {
  const [client, server] = duplexPair() as [Duplex, Duplex];
  const events: WireEvent[] = [];
  const closed: LibvirtConnectionError[] = [];
  const session = new Session(client, { onEvent: (e) => events.push(e), onClosed: (e) => closed.push(e) });
  sessions.push(session);
  const next = () =>
    new Promise<string>((resolve) => server.once('data', (data: Buffer) => resolve(data.toString('hex'))));
  return { session, server, events, closed, next };
}

/** Writes down what a stream's receiver is given. */
const record = (got: string[]) => ({
  onOpened: (serial: number) => void got.push(`opened ${serial}`),
  onData: (data: Buffer) => void got.push(data.toString()),
  onConfirmed: () => void got.push('confirmed'),
  onError: (error: Error) => void got.push(error.message),
});

const sessions: Session[] = [];
afterEach(() => {
  for (const session of sessions.splice(0)) session.destroy(new LibvirtConnectionError('closed', 'test over'));
});

// All bytes here were captured from libvirtd 9.0.0; only serials were changed to 1.
describe('a session', () => {
  it('calls and understands the reply', async () => {
    const { session, server, next } = open();
    const timing: { sentAtNs?: bigint; receivedAtNs?: bigint } = {};
    const answer = session.call(connectGetLibVersion, undefined, { timing });
    expect(await next()).toBe('0000001c20008086000000010000009d000000000000000100000000');
    server.write(
      bytes(
        ['00000024', 'length 36'],
        ['20008086 00000001 0000009d', 'remote v1, connectGetLibVersion'],
        ['00000001', 'type 1: reply'],
        ['00000001', 'serial 1'],
        ['00000000', 'status 0: ok'],
        ['0000000000895440', 'version 9000000: 9.0.0'],
      ),
    );
    expect(await answer).toEqual({ version: 9_000_000 });
    expect(timing.receivedAtNs).toBeGreaterThan(timing.sentAtNs ?? 0n);
  });

  it('turns an error reply into a typed error', async () => {
    const { session, server, next } = open();
    const answer = session.call(domainLookupByName, { name: 'nope' });
    expect(await next()).toBe(
      bytes(
        ['00000024 20008086 00000001 00000017 00000000 00000001 00000000', 'call 23: domainLookupByName'],
        ['00000004 6e6f7065', 'name: nope'],
      ).toString('hex'),
    );
    server.write(
      bytes(
        ['000000c4 20008086 00000001 00000017 00000001 00000001', 'reply to 23'],
        ['00000001', 'status 1: error'],
        ['0000002a', 'code 42: VIR_ERR_NO_DOMAIN'],
        ['0000000a', 'domain 10: VIR_FROM_QEMU'],
        ['00000001 00000035', 'a message of 53 bytes'],
        ['446f6d61696e206e6f7420666f756e643a206e6f20646f6d61696e2077697468206d', 'Domain not found: no domain with m'],
        ['61746368696e67206e616d6520276e6f706527 000000', "atching name 'nope', padding"],
        ['00000002', 'level 2: error'],
        ['00000000', 'no domain'],
        ['00000001 00000014 446f6d61696e206e6f7420666f756e643a202573', 'str1: Domain not found: %s'],
        ['00000001 00000023', 'str2, 35 bytes'],
        [
          '6e6f20646f6d61696e2077697468206d61746368696e67206e616d6520276e6f706527 00',
          "no domain with matching name 'nope'",
        ],
        ['00000000', 'no str3'],
        ['ffffffff ffffffff', 'int1, int2: -1'],
        ['00000000', 'no network'],
      ),
    );
    const error = await answer.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(LibvirtError);
    expect(error).toMatchObject({
      code: 42,
      codeName: 'VIR_ERR_NO_DOMAIN',
      domain: 10,
      domainName: 'VIR_FROM_QEMU',
      level: 2,
      message: "Domain not found: no domain with matching name 'nope'",
      call: 'domainLookupByName',
    });
  });

  it('hands out events with the moment they came', async () => {
    const { server, events } = open();
    const before = process.hrtime.bigint();
    server.write(
      bytes(
        ['00000048 20008086 00000001', 'remote v1'],
        ['0000013e', 'event 318: domainLifecycle'],
        ['00000002 00000000 00000000', 'type 2: message, serial 0, ok'],
        ['00000002', 'callback 2'],
        ['00000007 6e6c762d63617000', 'name: nlv-cap, padding'],
        uuidBytes,
        ['00000008', 'id 8'],
        ['00000004', 'event 4: resumed'],
        ['00000000', 'detail 0: unpaused'],
      ),
    );
    await expect.poll(() => events.length).toBe(1);
    expect(events[0]).toMatchObject({ name: 'domainLifecycle', fields: { callbackId: 2, dom, event: 4, detail: 0 } });
    expect(events[0]?.receivedAtNs).toBeGreaterThan(before);
  });

  it('decodes statistics', async () => {
    const { session, server, next } = open();
    const answer = session.call(connectGetAllDomainStats, { doms: [dom], stats: 1, flags: 0 });
    expect(await next()).toBe(
      bytes(
        ['00000048 20008086 00000001 00000158 00000000 00000001 00000000', 'call 344'],
        ['00000001 00000007 6e6c762d63617000', 'one domain, its name'],
        uuidBytes,
        ['00000008', 'id 8'],
        ['00000001 00000000', 'stats: state; no flags'],
      ).toString('hex'),
    );
    server.write(
      bytes(
        ['00000074 20008086 00000001 00000158 00000001 00000001 00000000', 'reply to 344'],
        ['00000001 00000007 6e6c762d63617000', 'one record: name'],
        uuidBytes,
        ['00000008', 'id 8'],
        ['00000002', 'two parameters'],
        ['0000000b 73746174652e737461746500 00000001 00000001', 'state.state: int 1'],
        ['0000000c 73746174652e726561736f6e 00000001 00000005', 'state.reason: int 5'],
      ),
    );
    const { records } = await answer;
    expect(records.map((r) => [r.dom, { ...r.params }])).toEqual([[dom, { 'state.state': 1, 'state.reason': 5 }]]);
  });

  it('opens a stream, sends and receives data, and finishes', async () => {
    const { session, server, next } = open();
    const got: string[] = [];
    const sink = record(got);
    const opening = session.openStream(domainOpenConsole, { dom, device: null, flags: 0 }, sink, {});
    expect((await next()).slice(0, 56)).toBe(
      '0000004420008086 00000001 000000c9 00000000 00000001 00000000'.replaceAll(' ', ''),
    );
    server.write(
      bytes(
        ['0000001c 20008086 00000001 000000c9 00000001 00000001 00000000', 'reply to 201: the stream is open'],
        ['0000001e 20008086 00000001 000000c9', 'procedure 201 again'],
        ['00000003 00000001 00000002', 'type 3: stream, serial 1, status 2: continue'],
        ['6869', 'hi, not padded'],
      ),
    );
    expect(await opening).toBe(1);
    expect(got).toEqual(['opened 1', 'hi']);
    session.sendStream(domainOpenConsole, 1, 2, Buffer.from('hi'), () => undefined);
    expect(await next()).toBe('0000001e20008086 00000001 000000c9 00000003 00000001 00000002 6869'.replaceAll(' ', ''));
    session.sendStream(domainOpenConsole, 1, 0, Buffer.alloc(0), () => undefined);
    expect(await next()).toBe('0000001c20008086 00000001 000000c9 00000003 00000001 00000000'.replaceAll(' ', ''));
    server.write(Buffer.from('0000001c2000808600000001000000c9000000030000000100000000', 'hex'));
    await expect.poll(() => got).toEqual(['opened 1', 'hi', 'confirmed']);
  });

  // Order of bytes as seen from a libvirtd under load: its event loop sends data before its worker has replied.
  it.each([
    ['opens it', '00000000', ['opened 1', 'hi', 'confirmed']],
    ['is an error', `00000001 0000002a 0000000a 00000000 00000002 ${'00000000'.repeat(7)}`, []],
  ])('keeps what a stream sends before the reply, which then %s', async (_what, status, expected) => {
    const { session, server, next } = open();
    const got: string[] = [];
    const opening = session.openStream(domainOpenConsole, { dom, device: null, flags: 0 }, record(got), {});
    await next();
    const reply = `20008086 00000001 000000c9 00000001 00000001 ${status}`.replaceAll(' ', '');
    server.write(
      bytes(
        ['0000001e 20008086 00000001 000000c9 00000003 00000001 00000002 6869', 'data'],
        ['0000001c 20008086 00000001 000000c9 00000003 00000001 00000000', 'confirmed'],
      ),
    );
    server.write(Buffer.from((reply.length / 2 + 4).toString(16).padStart(8, '0') + reply, 'hex'));
    await opening.catch(() => undefined);
    expect(got).toEqual(expected);
    expect(session.ended).toBeUndefined();
  });

  it('answers a ping', async () => {
    const { server, next } = open();
    server.write(
      bytes(
        ['0000001c 6b656570 00000001', 'keepalive v1'],
        ['00000001', 'procedure 1: ping'],
        ['00000002 00000000 00000000', 'message'],
      ),
    );
    expect(await next()).toBe('0000001c6b6565700000000100000002000000020000000000000000');
  });

  it('pings a silent server and gives it up after `count` pings', async () => {
    const { session, server, closed } = open();
    const pings: string[] = [];
    server.on('data', (data: Buffer) => pings.push(data.toString('hex')));
    const answer = session.call(connectGetLibVersion, undefined);
    session.startKeepalive({ intervalMs: 20, count: 2 });
    await expect(answer).rejects.toMatchObject({ reason: 'keepalive-timeout' });
    expect(pings.join('').match(/6b6565700000000100000001/g)).toHaveLength(2);
    expect(closed).toHaveLength(1);
  });

  const call = '20008086 00000001 0000009d';
  it.each([
    ['a length beyond the limit', '7fffffff', /limit is 33554432/],
    ['a length below the header', '00000004', /smallest possible/],
    ['a reply to no call', `0000001c ${call} 00000001 00000063 00000000`, /answers no call/],
    [
      'a reply with the wrong procedure',
      '0000001c 20008086 00000001 00000001 00000001 00000001 00000000',
      /answers no call/,
    ],
    ['a truncated reply', `00000020 ${call} 00000001 00000001 00000000 00000000`, /truncated/],
    [
      'a reply with bytes left over',
      `00000028 ${call} 00000001 00000001 00000000 0000000000895440 00000000`,
      /too many/,
    ],
    ['a reply of unknown status', `00000024 ${call} 00000001 00000001 00000009 0000000000895440`, /status 9/],
    ['an event nobody asked for', '0000001c 20008086 00000001 00000bb8 00000002 00000000 00000000', /event 3000/],
    ['a call from the server', `0000001c ${call} 00000000 00000001 00000000`, /type 0/],
    ['data for no stream', '00000020 20008086 00000001 000000c9 00000003 00000009 00000002 61626364', /no stream/],
    ['a truncated error', `00000020 ${call} 00000001 00000001 00000001 0000002a`, /truncated/],
  ])('ends itself, with its calls, on %s', async (_what, hex, message) => {
    const { session, server, closed, next } = open();
    const answer = session.call(connectGetLibVersion, undefined);
    const queued = Array.from({ length: 6 }, () => session.call(connectGetLibVersion, undefined));
    await next();
    server.write(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
    for (const promise of [answer, ...queued]) {
      const error = await promise.catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(LibvirtProtocolError);
      expect((error as Error).message).toMatch(message);
    }
    expect(closed).toHaveLength(1);
    await expect(session.call(connectGetLibVersion, undefined)).rejects.toBeInstanceOf(LibvirtProtocolError);
  });

  it('takes any damage to a message as a protocol error, or reads it differently, and nothing else', async () => {
    const good = Buffer.from(
      '00000074200080860000000100000158000000010000000100000000000000010000000 76e6c762d6361700000112233445566778899aabbccddeeff00000008000000020000000b73746174652e73746174650000000001000000010000000c73746174652e726561736f6e0000000100000005'.replace(
        ' ',
        '',
      ),
      'hex',
    );
    for (let at = 0; at < good.length; at++) {
      for (const value of [0x00, 0x7f, 0xff]) {
        const { session, server } = open();
        const outcome = session
          .call(connectGetAllDomainStats, { doms: [], stats: 0, flags: 0 })
          .catch((error: unknown) => error);
        const damaged = Buffer.from(good);
        damaged[at] = value;
        server.resume();
        server.end(damaged);
        const result = await outcome;
        if (result instanceof Error) {
          expect(result instanceof LibvirtConnectionError || result instanceof LibvirtError).toBe(true);
        }
      }
    }
  });

  it('fails calls when the server hangs up', async () => {
    const { session, server } = open();
    const answer = session.call(connectGetLibVersion, undefined);
    server.end();
    await expect(answer).rejects.toMatchObject({ name: 'LibvirtConnectionError', reason: 'disconnected' });
  });
});
