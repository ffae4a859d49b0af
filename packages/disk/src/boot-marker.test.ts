import { describe, expect, it } from 'vitest';
import { addBootMarker } from './boot-marker.ts';

const bootSector = (codeBytes: number): Buffer => {
  const sector = Buffer.alloc(512);
  sector.fill(0x90, 0, codeBytes);
  sector.set([0xb8, 0xe3, 0x00, 0x31, 0xd2, 0xcd, 0x14], 0);
  sector.set([0x55, 0xaa], 510);
  return sector;
};

describe('the sign of the boot code', () => {
  it('is one port write before the first instruction, which then runs as it did', () => {
    const sector = bootSector(0x143);
    expect(addBootMarker(sector)).toBe(true);
    // jmp 0x14b
    expect(sector.subarray(0, 3).toString('hex')).toBe('e94801');
    const stub = [
      'baf803', // mov dx, 0x3f8
      'b00d', //   mov al, 13
      'ee', //     out dx, al
      'b8e300', // mov ax, 0x00e3: the instruction that the jump replaced
      'e9acfe', // jmp 0x003: 0x157 - 0x154
    ];
    expect(sector.subarray(0x14b, 0x14b + 12).toString('hex')).toBe(stub.join(''));
    expect(sector.subarray(3, 7).toString('hex')).toBe('31d2cd14');
  });

  it('leaves code alone that it does not know, or that has no room', () => {
    const other = bootSector(0x143);
    other[0] = 0xfa;
    const full = bootSector(0x190);
    for (const sector of [other, full]) {
      const before = Buffer.from(sector);
      expect(addBootMarker(sector)).toBe(false);
      expect(sector.equals(before)).toBe(true);
    }
  });
});
