import { describe, expect, it } from 'vitest';
import { findPvhEntry, markPvhKernel } from './pvh-kernel.ts';
import { entry, makePvhKernel } from './testing/make-kernel.ts';

const changed = (change: (kernel: Buffer) => void): Buffer => {
  const kernel = makePvhKernel();
  change(kernel);
  return kernel;
};

describe('the entry of a kernel', () => {
  it('is the one of its note', () => {
    expect(findPvhEntry(makePvhKernel())).toEqual({ address: entry, at: 0x2010 });
  });

  it('is none where there is no such note, or no kernel', () => {
    const others = [
      Buffer.alloc(0),
      Buffer.from('#!/bin/sh\n'),
      makePvhKernel().subarray(0, 100),
      makePvhKernel().subarray(0, 0x2010),
      changed((kernel) => kernel.writeUInt32LE(6, 0x2008)),
      changed((kernel) => kernel.write('Xon\0', 0x200c, 'latin1')),
      changed((kernel) => kernel.writeUInt32LE(0xffff_fff0, 0x2004)),
      changed((kernel) => kernel.writeUInt16LE(0xffff, 56)),
      changed((kernel) => kernel.writeBigUInt64LE(0xffff_ffff_ffff_f000n, 128)),
      changed((kernel) => kernel.writeUInt16LE(183, 18)),
    ];
    for (const kernel of others) expect(findPvhEntry(kernel)).toBeNull();
  });

  it('is found behind other notes', () => {
    const two = Buffer.concat([makePvhKernel(), Buffer.alloc(20)]);
    two.copy(two, 0x2014, 0x2000, 0x2014);
    two.writeUInt32LE(6, 0x2008);
    two.writeBigUInt64LE(40n, 152);
    expect(findPvhEntry(two)).toEqual({ address: entry, at: 0x2024 });
  });
});

describe('a kernel that says when it is entered', () => {
  it('writes the marker, and goes on at its own entry', () => {
    const kernel = makePvhKernel();
    const signed = markPvhKernel(kernel) ?? Buffer.alloc(0);
    const stub = [
      'baf8030000', // mov edx, 0x3f8
      'b00d', //       mov al, 13
      'ee', //         out dx, al
      'b8dc002000', // mov eax, 0x2000dc
      'ffe0', //       jmp eax
    ];
    expect(signed.subarray(0x400, 0x40f).toString('hex')).toBe(stub.join(''));
    expect(findPvhEntry(signed)).toEqual({ address: 0x1f_0400, at: 0x2010 });
    expect(signed.readUInt16LE(56)).toBe(3);
    const segment = Array.from({ length: 6 }, (_, index) => Number(signed.readBigUInt64LE(176 + 8 + index * 8)));
    expect([signed.readUInt32LE(176), signed.readUInt32LE(180)]).toEqual([1, 5]);
    expect(segment).toEqual([0x400, 0x1f_0400, 0x1f_0400, 15, 15, 0x1000]);
    // Nothing else changes, and the original stays the same.
    signed.fill(0, 176, 232).fill(0, 0x400, 0x40f).writeUInt16LE(2, 56);
    signed.writeUInt32LE(entry, 0x2010);
    expect(signed.equals(kernel)).toBe(true);
  });

  it('is not made of one that is laid out otherwise', () => {
    const others = [
      changed((kernel) => kernel.writeUInt32LE(6, 0x2008)), // no entry
      changed((kernel) => kernel.writeUInt8(1, 0x480)), // something lies where the stub goes
      changed((kernel) => kernel.writeUInt8(1, 180)), // or the segment
      changed((kernel) => kernel.writeBigUInt64LE(0x400n, 64 + 8)), // a segment begins there
      changed((kernel) => kernel.writeBigUInt64LE(0x10_0000n, 64 + 24)), // it is loaded lower
      changed((kernel) => kernel.writeBigUInt64LE(0x300n, 40)), // its sections' table lies there
    ];
    for (const kernel of others) {
      const before = Buffer.from(kernel);
      expect(markPvhKernel(kernel)).toBeNull();
      expect(kernel.equals(before)).toBe(true);
    }
  });
});
