import { describe, expect, it } from 'vitest';
import { hostNs, ns, nsSchema } from '#shared/model/units.ts';
import { fitGuestClock } from '#shared/timeline/index.ts';
import { encodeInvoke, encodePing, encodeSeed, headerBytes, maxBodyBytes } from './channel.ts';
import { createFrameDecoder, maxTicks } from './frame-decoder.ts';

/** Bytes from annotated hex: everything after `;` on a line is a comment. */
function bytes(annotated: string): Uint8Array {
  const hex = annotated.replace(/;.*$/gm, '').replace(/\s+/g, '');
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

const clock = `
  00 e1 f5 05 00 00 00 00   ; counter now: 100,000,000
  00 94 35 77 00 00 00 00   ; counts per second: 2,000,000,000
  02 00                     ; two marks
  16 00                     ; 22 pages of heap
  00 00 10 00               ; of which 1 MiB is in use`;
const marks = `
  00 00 00000000 0000 40 42 0f 00 00 00 00 00   ; entry at 1,000,000
  07 00 00000000 0000 80 84 1e 00 00 00 00 00   ; invoke at 2,000,000`;
const decodedMarks = [
  { name: 'entry', tsc: 1_000_000n },
  { name: 'invoke', tsc: 2_000_000n },
];

const hello = bytes(`
  48 00 00 00  01 01 00 00  00 00 00 00   ; 72 bytes, HELLO, version 1, id 0
  ${clock}
  01 00 00 00   ; protocol 1
  16 00 00 00   ; 22 pages of heap
  00 03 00 00   ; of 768
  00 00 00 00
  ${marks}`);

const response = bytes(`
  56 00 00 00  03 01 00 00  05 00 00 00   ; 86 bytes, RESPONSE, version 1, id 5
  ${clock}
  c9 00 02 00   ; status 201, text
  09 00 00 00   ; headers: 9 bytes
  05 00 00 00   ; body: 5 bytes
  00 00 00 00
  ${marks}
  7b 22 61 22 3a 22 62 22 7d   ; {"a":"b"}
  68 65 6c 6c 6f               ; hello`);

const error = bytes(`
  52 00 00 00  04 01 00 00  06 00 00 00   ; 82 bytes, ERROR, version 1, id 6
  ${clock}
  02 00 01 00   ; TIMEOUT, fatal
  03 00 00 00   ; name: 3 bytes
  04 00 00 00   ; message: 4 bytes
  03 00 00 00   ; stack: 3 bytes
  ${marks}
  45 72 72      ; Err
  6c 61 74 65   ; late
  61 74 20      ; "at "`);

const pong = bytes(`
  20 00 00 00  06 01 00 00  07 00 00 00   ; 32 bytes, PONG, version 1, id 7
  15 cd 5b 07 00 00 00 00   ; host's 123,456,789
  01 00 00 00 00 00 00 00   ; received at 1
  02 00 00 00 00 00 00 00   ; sent at 2
  00 94 35 77 00 00 00 00   ; 2,000,000,000 Hz`);

const times = {
  tscNow: 100_000_000n,
  tscHz: 2_000_000_000n,
  heap: { pages: 22, usedBytes: 2 ** 20 },
  marks: decodedMarks,
};

/** A copy with bytes changed at an offset. */
function altered(frame: Uint8Array, at: number, ...values: number[]): Uint8Array {
  const copy = frame.slice();
  copy.set(values, at);
  return copy;
}

describe('encoding', () => {
  it('writes INVOKE as PROTOCOL.md says', () => {
    const seed = Uint8Array.from({ length: 32 }, (_, i) => i);
    const frame = encodeInvoke({ id: 9, deadlineMs: 5000, wallNs: 1_000_000_000n, tscHz: 3n, seed, eventJson: '{}' });
    const expected = bytes(`
      3a 00 00 00  02 01 00 00  09 00 00 00   ; 58 bytes, INVOKE, version 1, id 9
      88 13 00 00  00 00 00 00                ; 5000 ms
      00 ca 9a 3b 00 00 00 00                 ; wall clock: 1 s
      03 00 00 00 00 00 00 00                 ; 3 counts per second
      000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
      7b 7d                                   ; {}`);
    expect(frame).toEqual(expected);
  });

  it('writes PING', () => {
    expect(encodePing(7, 123_456_789n)).toEqual(
      bytes('08 00 00 00  05 01 00 00  07 00 00 00  15 cd 5b 07 00 00 00 00'),
    );
  });

  it('writes SEED', () => {
    const seed = Uint8Array.from({ length: 32 }, (_, i) => i);
    expect(encodeSeed({ wallNs: 1_000_000_000n, tscHz: 3n, seed })).toEqual(
      bytes(`
        30 00 00 00  08 01 00 00  00 00 00 00   ; 48 bytes, SEED, version 1, id 0
        00 ca 9a 3b 00 00 00 00                 ; wall clock: 1 s
        03 00 00 00 00 00 00 00                 ; 3 counts per second
        000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f`),
    );
    expect(() => encodeSeed({ wallNs: 0n, seed: seed.subarray(1) })).toThrow(RangeError);
  });

  it('refuses what a guest would refuse', () => {
    const call = (eventJson: string, seed = new Uint8Array(32)) =>
      encodeInvoke({ id: 1, deadlineMs: 0, wallNs: 0n, seed, eventJson });
    expect(() => call('x'.repeat(maxBodyBytes))).toThrow(/at most|accepts/);
    expect(() => call('{}', new Uint8Array(31))).toThrow(RangeError);
  });
});

describe('decoding', () => {
  it('reads every frame, in any pieces', () => {
    const stream = Buffer.concat([hello, response, error, pong]);
    for (const size of [1, 7, headerBytes, stream.length]) {
      const decoder = createFrameDecoder();
      const frames = [];
      for (let at = 0; at < stream.length; at += size) frames.push(...decoder.push(stream.subarray(at, at + size)));
      expect(frames).toEqual([
        { type: 'hello', version: 1, maxPages: 768, ...times },
        {
          type: 'response',
          id: 5,
          status: 201,
          headers: { a: 'b' },
          bodyKind: 'text',
          body: new TextEncoder().encode('hello'),
          ...times,
        },
        { type: 'error', id: 6, code: 'TIMEOUT', fatal: true, name: 'Err', message: 'late', stack: 'at ', ...times },
        { type: 'pong', id: 7, hostNs: 123_456_789n, tscReceived: 1n, tscSent: 2n, tscHz: 2_000_000_000n },
      ]);
    }
  });

  it('takes nothing from a hostile guest', () => {
    const fixed = headerBytes + 24;
    const cases: [string, Uint8Array][] = [
      ['a body of 4 GiB', altered(hello, 0, 0xff, 0xff, 0xff, 0xff)],
      ['another version', altered(hello, 5, 2)],
      ['a frame of the host', altered(hello, 4, 2)],
      ['an unknown type', altered(hello, 4, 99)],
      ['a HELLO cut short', bytes('04 00 00 00  01 01 00 00  00 00 00 00  00 00 00 00')],
      ['a PONG cut short', bytes('01 00 00 00  06 01 00 00  00 00 00 00  00')],
      ['more marks than bytes', altered(hello, headerBytes + 16, 3)],
      ['2^16 - 1 marks', altered(hello, headerBytes + 16, 0xff, 0xff)],
      ['more heap in use than there is', altered(hello, headerBytes + 18, 0x0f)],
      ['an unknown mark', altered(hello, headerBytes + 40, 0xff, 0xff)],
      ['a status of 99', altered(response, fixed, 99, 0)],
      ['a status of 1000', altered(response, fixed, 0xe8, 3)],
      ['an unknown body kind', altered(response, fixed + 2, 4)],
      ['lengths beyond the frame', altered(response, fixed + 4, 10)],
      ['lengths that overflow', altered(response, fixed + 4, 0xff, 0xff, 0xff, 0xff)],
      ['headers that are not JSON', altered(response, headerBytes + 72, 0x5b)],
      [
        'headers that are a list',
        altered(response, headerBytes + 72, 0x5b, 0x31, 0x5d, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20),
      ],
      ['a header that is a number', altered(response, headerBytes + 77, 0x31, 0x20, 0x20)],
      ['an unknown error code', altered(error, fixed, 99)],
      ['error texts beyond the frame', altered(error, fixed + 8, 5)],
    ];
    for (const [name, frame] of cases) {
      expect(() => createFrameDecoder().push(frame), name).toThrow(expect.objectContaining({ code: 'CHANNEL_BROKEN' }));
    }
  });

  it('takes no counter that a timeline could not hold', () => {
    const absurd = new Array(8).fill(0xff);
    const [heard] = createFrameDecoder().push(
      altered(altered(hello, headerBytes, ...absurd), headerBytes + 48, ...absurd),
    );
    const [round] = createFrameDecoder().push(
      altered(altered(pong, headerBytes + 8, ...absurd), headerBytes + 16, ...absurd),
    );
    if (heard?.type !== 'hello' || round?.type !== 'pong') throw new Error('not the frames that were sent');
    expect(heard).toMatchObject({ tscNow: maxTicks, marks: [{ name: 'entry', tsc: maxTicks }, decodedMarks[1]] });
    expect(round).toMatchObject({ tscReceived: maxTicks, tscSent: maxTicks });

    // A host that has been up for a year, and a guest whose counter does not show that.
    const atNs = (offset: number) => hostNs(3e16 + offset);
    const received = { guestReceivedTicks: Number(round.tscReceived), guestSentTicks: Number(round.tscSent) };
    for (const samples of [[], [{ hostSentNs: atNs(30e6), ...received, hostReceivedNs: atNs(31e6) }]]) {
      const clock = fitGuestClock({
        samples,
        started: { afterNs: atNs(10e6), beforeNs: atNs(12e6) },
        received: [{ ticks: Number(heard.tscNow), atNs: atNs(30e6) }],
      });
      const { atNs: markNs, errorNs } = clock.toHost(Number(heard.marks[0]?.tsc));
      expect(nsSchema.safeParse(ns(markNs - atNs(0))).success).toBe(true);
      expect(nsSchema.safeParse(errorNs).success).toBe(true);
    }
  });

  it('keeps a header named __proto__ a header', () => {
    const text = new TextEncoder().encode('{"__proto__":"x"}');
    const frame = Buffer.concat([altered(response, 0, 0x56 - 9 + text.length), text]).subarray();
    const body = Buffer.concat([frame.subarray(0, headerBytes + 72), text, new TextEncoder().encode('hello')]);
    body.writeUInt32LE(text.length, headerBytes + 28);
    const [decoded] = createFrameDecoder().push(body);
    expect(decoded?.type === 'response' && Object.keys(decoded.headers)).toEqual(['__proto__']);
  });
});
