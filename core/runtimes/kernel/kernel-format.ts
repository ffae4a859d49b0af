/** The boot protocol of a kernel, by its first bytes. */
import { open } from 'node:fs/promises';
import { FirstlightError } from '#shared/errors.ts';

export const kernelFormats = ['pvh', 'multiboot', 'bzImage'] as const;
export type KernelFormat = (typeof kernelFormats)[number];

/** The header of a multiboot kernel lies in the first 8 KiB, that of a bzImage in the first KiB. */
const headBytes = 8192;
const multibootMagic = 0x1badb002;
/** Notes of a kernel lie in its file's first megabytes: more is not searched. */
const noteSearchBytes = 16 * 1024 * 1024;
/** XEN_ELFNOTE_PHYS32_ENTRY, with the name that the note has. */
const pvhNoteType = 18;

/**
 * The boot protocol of the kernel in a file.
 *
 * Errors: BAD_INPUT for a file without a known protocol. Source: Linux, Documentation/arch/x86/boot.rst; the multiboot
 * specification 0.6.96, 3.1; Xen, public/elfnote.h.
 */
export async function readKernelFormat(path: string): Promise<KernelFormat> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const bytes = Buffer.alloc(Math.min(size, noteSearchBytes));
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    const format = kernelFormatOf(bytes.subarray(0, bytesRead));
    if (format !== null) return format;
  } finally {
    await file.close();
  }
  throw new FirstlightError('BAD_INPUT', `${path} is not a kernel that QEMU loads.`, {
    hint: 'Give an ELF file with a PVH note, a multiboot kernel, or a bzImage. A disk with boot code is not one: put it under "disks" of a kernel.',
    details: { subject: path },
  });
}

/** The boot protocol by the bytes of a file's start; null for an unknown one. */
export function kernelFormatOf(bytes: Buffer): KernelFormat | null {
  if (bytes.length > 0x206 && bytes.toString('latin1', 0x202, 0x206) === 'HdrS') return 'bzImage';
  const isElf = bytes.length > 4 && bytes.readUInt32BE(0) === 0x7f454c46;
  if (isElf && hasPvhNote(bytes)) return 'pvh';
  return hasMultibootHeader(bytes.subarray(0, headBytes)) ? 'multiboot' : null;
}

function hasMultibootHeader(head: Buffer): boolean {
  for (let at = 0; at + 12 <= head.length; at += 4) {
    if (head.readUInt32LE(at) !== multibootMagic) continue;
    if ((multibootMagic + head.readUInt32LE(at + 4) + head.readUInt32LE(at + 8)) % 2 ** 32 === 0) return true;
  }
  return false;
}

function hasPvhNote(bytes: Buffer): boolean {
  const name = Buffer.from('Xen\0');
  for (let at = bytes.indexOf(name); at !== -1; at = bytes.indexOf(name, at + 1)) {
    if (at < 12) continue;
    const [nameSize, size, type] = [12, 8, 4].map((before) => bytes.readUInt32LE(at - before));
    if (nameSize === 4 && (size === 4 || size === 8) && type === pvhNoteType) return true;
  }
  return false;
}
