/** Disk images of other programs, which are named for what they are. */
import { basename } from 'node:path';
import { DiskError } from './disk-error.ts';

/** What tells a format: bytes at a place, from the start or, with a negative one, from the end. */
interface Sign {
  readonly name: string;
  readonly at: number;
  readonly text: string;
  /** How it becomes a raw disk: QEMU's name for the format, or a command that unpacks it. */
  readonly convert: { readonly format: string } | { readonly command: (path: string) => string };
}

const gunzip = (path: string) => `gunzip --keep ${path}`;
const unpack = (path: string) => `tar -xf ${path}`;

/** Source: `qemu-img` and the formats' own specifications. */
const signs: readonly Sign[] = [
  { name: 'VMDK (VMware)', at: 0, text: 'KDMV', convert: { format: 'vmdk' } },
  { name: 'VMDK (VMware)', at: 0, text: 'COWD', convert: { format: 'vmdk' } },
  { name: 'VMDK (VMware)', at: 0, text: '# Disk DescriptorFile', convert: { format: 'vmdk' } },
  { name: 'VHDX (Hyper-V)', at: 0, text: 'vhdxfile', convert: { format: 'vhdx' } },
  { name: 'VHD (Hyper-V, Azure)', at: 0, text: 'conectix', convert: { format: 'vpc' } },
  { name: 'VHD (Hyper-V, Azure)', at: -512, text: 'conectix', convert: { format: 'vpc' } },
  { name: 'VDI (VirtualBox)', at: 0x40, text: '\x7f\x10\xda\xbe', convert: { format: 'vdi' } },
  { name: 'QED (QEMU)', at: 0, text: 'QED\0', convert: { format: 'qed' } },
  { name: 'a disk packed with gzip', at: 0, text: '\x1f\x8b', convert: { command: gunzip } },
  { name: 'a disk packed with xz', at: 0, text: '\xfd7zXZ\0', convert: { command: (path) => `unxz --keep ${path}` } },
  {
    name: 'a disk packed with Zstandard',
    at: 0,
    text: '\x28\xb5\x2f\xfd',
    convert: { command: (path) => `unzstd --keep ${path}` },
  },
  { name: 'a tar archive', at: 257, text: 'ustar', convert: { command: unpack } },
];

/** How many of a file's first and last bytes tell its format. */
export const foreignHeadBytes = 512;

/**
 * The error for an image of another program, with the command that converts it; null for what is not known as one.
 *
 * Shape: `head` and `tail` are the file's first and last 512 bytes, or all of them.
 */
export function foreignFormat(path: string, head: Uint8Array, tail: Uint8Array): DiskError | null {
  const found = signs.find(({ at, text }) => {
    const from = at < 0 ? Buffer.from(tail).subarray(at) : Buffer.from(head).subarray(at);
    return from.toString('latin1', 0, text.length) === text;
  });
  return found === undefined ? null : unsupported(path, `It is ${found.name}`, found.convert);
}

/** The error for an image that is sound and of a kind that is not read here. */
export function unsupported(path: string, what: string, convert: Sign['convert'] = { format: 'qcow2' }): DiskError {
  const command =
    'command' in convert
      ? convert.command(basename(path))
      : `qemu-img convert -f ${convert.format} -O raw ${basename(path)} ${basename(path)}.raw`;
  return new DiskError('unsupported', `${path} cannot be read here. ${what}.`, {
    hint: `Convert it first: ${command}`,
    subject: path,
  });
}
