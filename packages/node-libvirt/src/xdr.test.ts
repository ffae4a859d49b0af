import { describe, expect, it } from 'vitest';
import { LibvirtProtocolError } from './errors.ts';
import { bytes } from './testing/annotated.ts';
import { readParams, writeParams } from './typed-params.ts';
import { XdrReader, XdrWriter } from './xdr.ts';

function written(write: (w: XdrWriter) => void): string {
  const w = new XdrWriter(4);
  write(w);
  return w.finish().toString('hex');
}

describe('XDR', () => {
  it('writes and reads whole numbers, big end first', () => {
    const hex = written((w) => {
      w.i32(-2);
      w.u32(0xfffffffe);
      w.i64(-2);
      w.u64(9_000_000);
      w.bool(true);
      w.f64(1.5);
    });
    expect(hex).toBe(
      bytes(
        ['fffffffe', 'int -2'],
        ['fffffffe', 'unsigned int 4294967294'],
        ['fffffffffffffffe', 'hyper -2'],
        ['0000000000895440', 'unsigned hyper 9000000'],
        ['00000001', 'bool true'],
        ['3ff8000000000000', 'double 1.5'],
      ).toString('hex'),
    );
    const r = new XdrReader(Buffer.from(hex, 'hex'));
    expect([r.i32(), r.u32(), r.i64(), r.u64(), r.bool(), r.f64()]).toEqual([-2, 0xfffffffe, -2, 9_000_000, true, 1.5]);
    r.end('the test');
  });

  it('pads strings to four bytes and counts bytes, not characters', () => {
    const hex = written((w) => w.string('naïve'));
    expect(hex).toBe(bytes(['00000006', 'length'], ['6e61c3af7665', 'naïve'], ['0000', 'padding']).toString('hex'));
    expect(new XdrReader(Buffer.from(hex, 'hex')).string()).toBe('naïve');
    expect(written((w) => w.string(''))).toBe('00000000');
    expect(written((w) => w.string('four'))).toBe('00000004666f7572');
  });

  it('writes UUIDs as sixteen bytes and refuses what is none', () => {
    const uuid = '00112233-4455-6677-8899-aabbccddeeff';
    expect(written((w) => w.uuid(uuid))).toBe('00112233445566778899aabbccddeeff');
    expect(new XdrReader(Buffer.from('00112233445566778899aabbccddeeff', 'hex')).uuid()).toBe(uuid);
    expect(() => written((w) => w.uuid('nonsense'))).toThrow(RangeError);
  });

  it('marks optional values with 0 or 1', () => {
    expect(written((w) => w.optional('a', (v) => w.string(v)))).toBe('000000010000000161000000');
    expect(written((w) => w.optional(null, () => undefined))).toBe('00000000');
    const r = new XdrReader(Buffer.from('00000002', 'hex'));
    expect(() => r.optional(() => r.i32())).toThrow(LibvirtProtocolError);
  });

  it('holds up a list that is longer than the protocol allows, before reading it', () => {
    const r = new XdrReader(Buffer.from('7fffffff', 'hex'));
    expect(() => r.list(16, () => r.i32())).toThrow(/2147483647 items is over the limit of 16/);
    expect(() => written((w) => w.list([1, 2], 1, (v) => w.i32(v)))).toThrow(RangeError);
  });

  it.each([
    ['an int of three bytes', '000001', (r: XdrReader) => r.i32()],
    ['a string longer than the message', '000000ff61626364', (r: XdrReader) => r.string()],
    ['a string over 4 MiB', '7fffffff61626364', (r: XdrReader) => r.string()],
    ['half a UUID', '0011223344556677', (r: XdrReader) => r.uuid()],
    ['a string without its padding', '0000000161', (r: XdrReader) => r.string()],
  ])('rejects %s', (_what, hex, read) => {
    expect(() => read(new XdrReader(Buffer.from(hex, 'hex')))).toThrow(LibvirtProtocolError);
  });

  it('rejects bytes left over', () => {
    expect(() => new XdrReader(Buffer.alloc(4)).end('a reply')).toThrow(/4 bytes too many in a reply/);
  });
});

describe('typed parameters', () => {
  it('become an object keyed by field, in all seven types', () => {
    const message = bytes(
      ['00000007', 'seven parameters'],
      ['00000001 61000000 00000001 ffffffff', 'a: int -1'],
      ['00000001 62000000 00000002 ffffffff', 'b: unsigned int'],
      ['00000001 63000000 00000003 ffffffffffffffff', 'c: long long -1'],
      ['00000001 64000000 00000004 0000000100000000', 'd: unsigned long long 2^32'],
      ['00000001 65000000 00000005 3fe0000000000000', 'e: double 0.5'],
      ['00000001 66000000 00000006 00000001', 'f: boolean'],
      ['00000001 67000000 00000007 00000002 68690000', 'g: string hi'],
    );
    expect({ ...readParams(new XdrReader(message), 16) }).toEqual({
      a: -1,
      b: 4_294_967_295,
      c: -1,
      d: 4_294_967_296,
      e: 0.5,
      f: true,
      g: 'hi',
    });
  });

  it('survive a round trip, and a field named like a prototype', () => {
    const params = { 'cpu.time': 12, 'vcpu.0.halted': true, name: 'x', load: 0.25, delta: -3, __proto__x: 1 };
    const w = new XdrWriter();
    writeParams(w, params, 16);
    expect({ ...readParams(new XdrReader(w.finish()), 16) }).toEqual(params);
    const hostile = bytes(
      ['00000001', 'one'],
      ['00000009 5f5f70726f746f5f5f000000', '__proto__'],
      ['00000001 00000005', 'int 5'],
    );
    expect(Object.entries(readParams(new XdrReader(hostile), 16))).toEqual([['__proto__', 5]]);
  });

  it('reject an unknown type', () => {
    const message = bytes(['00000001', 'one'], ['00000001 61000000', 'a'], ['00000008', 'type 8']);
    expect(() => readParams(new XdrReader(message), 16)).toThrow(/"a" has unknown type 8/);
  });
});
