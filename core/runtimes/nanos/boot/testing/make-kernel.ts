/** The entry in the note of such a kernel. */
export const entry = 0x20_00dc;

const noteAt = 0x2000;

/** A kernel laid out as Nanos' is: code from 2 MiB on, and a note for PVH with its entry in the last four bytes. */
export function makePvhKernel(): Buffer {
  const kernel = Buffer.alloc(noteAt + 20);
  kernel.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1], 0);
  kernel.writeUInt16LE(2, 16);
  kernel.writeUInt16LE(62, 18);
  kernel.writeBigUInt64LE(64n, 32);
  kernel.writeUInt16LE(56, 54);
  kernel.writeUInt16LE(2, 56);
  writeSegment(kernel, 64, { type: 1, offset: 0x1000, address: 0x20_0000, bytes: 0x1000 });
  writeSegment(kernel, 120, { type: 4, offset: noteAt, address: 0x37_c000, bytes: 20 });
  for (const [index, value] of [4, 4, 18].entries()) kernel.writeUInt32LE(value, noteAt + index * 4);
  kernel.write('Xen\0', noteAt + 12, 'latin1');
  kernel.writeUInt32LE(entry, noteAt + 16);
  return kernel;
}

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly bytes: number;
}

function writeSegment(kernel: Buffer, at: number, { type, offset, address, bytes }: Segment): void {
  kernel.writeUInt32LE(type, at);
  for (const [index, value] of [offset, address, address, bytes, bytes, 0x1000].entries()) {
    kernel.writeBigUInt64LE(BigInt(value), at + 8 + index * 8);
  }
}
