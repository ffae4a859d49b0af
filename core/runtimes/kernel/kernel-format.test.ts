import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { kernelFormatOf, readKernelFormat } from './kernel-format.ts';

/** A header at an offset in a file that is zero otherwise. */
function fileWith(at: number, header: Buffer, bytes = 16_384): Buffer {
  const file = Buffer.alloc(bytes);
  header.copy(file, at);
  return file;
}
const words = (...values: number[]) => {
  const buffer = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => void buffer.writeUInt32LE(value >>> 0, index * 4));
  return buffer;
};
const elf = (rest: Buffer) => Buffer.concat([Buffer.from([0x7f, 0x45, 0x4c, 0x46]), Buffer.alloc(60), rest]);
const pvhNote = (type: number, name = 'Xen\0') => Buffer.concat([words(4, 8, type), Buffer.from(name), words(0, 0)]);

describe('the boot protocol of a kernel', () => {
  it('is known by its header', () => {
    expect(kernelFormatOf(fileWith(0x202, Buffer.from('HdrS')))).toBe('bzImage');
    expect(kernelFormatOf(fileWith(4096, words(0x1badb002, 3, -(0x1badb002 + 3))))).toBe('multiboot');
    expect(kernelFormatOf(elf(pvhNote(18)))).toBe('pvh');
  });

  it('is PVH for a kernel that has multiboot too', () => {
    expect(kernelFormatOf(elf(Buffer.concat([words(0x1badb002, 0, -0x1badb002), pvhNote(18)])))).toBe('pvh');
  });

  it('is not taken from what looks like a header', () => {
    expect(kernelFormatOf(fileWith(4096, words(0x1badb002, 3, 5)))).toBeNull();
    expect(kernelFormatOf(fileWith(8192, words(0x1badb002, 3, -(0x1badb002 + 3))))).toBeNull();
    expect(kernelFormatOf(elf(pvhNote(17)))).toBeNull();
    expect(kernelFormatOf(pvhNote(18))).toBeNull();
    expect(kernelFormatOf(Buffer.alloc(0))).toBeNull();
    expect(kernelFormatOf(Buffer.from('Xen\0'))).toBeNull();
  });

  it('is said to be missing with the file and what to do', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'fl-kernel-'));
    onTestFinished(() => rmSync(dir, { recursive: true }));
    writeFileSync(join(dir, 'text'), 'no kernel');
    await expect(readKernelFormat(join(dir, 'text'))).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringContaining(join(dir, 'text')),
      hint: expect.stringContaining('PVH'),
    });
  });
});
