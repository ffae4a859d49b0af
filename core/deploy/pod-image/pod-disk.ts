import { readFile } from 'node:fs/promises';
import { FirstlightError } from '#shared/errors.ts';
import { podPaths } from './pod-paths.ts';

/** The disk of a function for a pod, or a libvirt host. Shape: `bytes` name no file of this host; `basePath` is the disk that they lie on. */
export interface PodDisk {
  readonly bytes: Buffer;
  readonly basePath: string;
}

const magic = 0x5146_49fb;
/** The header's fields for the name of the backing file: its offset (8 bytes) and its length (4 bytes). */
const nameOffsetAt = 8;
const nameLengthAt = 16;

/**
 * Reads a qcow2 file of ours, and takes the path of its base out of it: that path differs from home to home, and the
 * image's digest must not. QEMU is given the base by name.
 *
 * Source: docs/interop/qcow2.txt of QEMU. Errors: IMAGE_INVALID.
 */
export async function readPodDisk(path: string): Promise<PodDisk> {
  const bytes = await readFile(path);
  const isOurs = bytes.length > 72 && bytes.readUInt32BE(0) === magic;
  const at = isOurs ? Number(bytes.readBigUInt64BE(nameOffsetAt)) : 0;
  const length = isOurs ? bytes.readUInt32BE(nameLengthAt) : 0;
  if (at === 0 || length === 0 || at + length > bytes.length) {
    throw new FirstlightError('IMAGE_INVALID', `${path} is not a disk on a base.`, {
      hint: 'Remove the image with `firstlight image rm`, and deploy again.',
    });
  }
  const basePath = bytes.toString('utf8', at, at + length);
  bytes.fill(0, at, at + length);
  bytes.writeBigUInt64BE(0n, nameOffsetAt);
  bytes.writeUInt32BE(0, nameLengthAt);
  return { bytes, basePath };
}

/** QEMU's arguments for the disk: what the guest writes goes to a temporary file. */
export const podDiskArgs: readonly string[] = [
  '-drive',
  `file=${podPaths.disk},format=qcow2,if=virtio,snapshot=on,backing.driver=raw,backing.file.filename=${podPaths.baseDisk}`,
];
