import { describe, expect, it } from 'vitest';
import { LibvirtProtocolError } from './errors.ts';
import { decodeHeader, encodeMessage, FrameSplitter } from './frame.ts';
import { bytes } from './testing/annotated.ts';

const header = { program: 0x20008086, version: 1, procedure: 157, type: 0, serial: 4, status: 0 };
// Captured from a call of virConnectGetLibVersion to libvirtd 9.0.0.
const captured = bytes(
  ['0000001c', 'length 28, itself included'],
  ['20008086', 'program: remote'],
  ['00000001', 'version 1'],
  ['0000009d', 'procedure 157: connectGetLibVersion'],
  ['00000000', 'type 0: call'],
  ['00000004', 'serial 4'],
  ['00000000', 'status 0: ok'],
);

function split(chunks: readonly Buffer[]): string[] {
  const splitter = new FrameSplitter();
  const frames: string[] = [];
  for (const chunk of chunks) splitter.push(chunk, (frame) => frames.push(frame.toString('hex')));
  return frames;
}

describe('messages', () => {
  it('are encoded as libvirt encodes them', () => {
    expect(encodeMessage(header).toString('hex')).toBe(captured.toString('hex'));
    expect(decodeHeader(captured)).toEqual(header);
  });

  it('are found in one chunk, in many, and byte by byte', () => {
    const hex = captured.toString('hex');
    expect(split([captured])).toEqual([hex]);
    expect(split([Buffer.concat([captured, captured, captured])])).toEqual([hex, hex, hex]);
    expect(split([...captured].map((byte) => Buffer.from([byte])))).toEqual([hex]);
    const two = Buffer.concat([captured, captured]);
    for (let at = 1; at < two.length; at++) {
      expect(split([two.subarray(0, at), two.subarray(at)])).toEqual([hex, hex]);
    }
  });

  it.each([
    ['00000000', /smallest possible/],
    ['0000001b', /smallest possible/],
    ['02000005', /limit is 33554432/],
    ['ffffffff', /limit is 33554432/],
  ])('of an impossible length %s are refused', (length, message) => {
    expect(() => split([Buffer.from(length, 'hex')])).toThrow(LibvirtProtocolError);
    expect(() => split([Buffer.from(length, 'hex')])).toThrow(message);
  });

  it('over 32 MiB are not sent', () => {
    expect(() => encodeMessage(header, (w) => w.bytes(new Uint8Array(33_554_432)))).toThrow(RangeError);
  });
});
