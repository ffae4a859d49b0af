import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BootParts } from '../write-disk.ts';

/** A boot.img with only the parts that are read outside the firmware. Units: bytes of its second stage. */
export function fakeBootImage(stageBytes: number): Buffer {
  const image = Buffer.alloc(512 + stageBytes, 0x90);
  image.writeBigUInt64LE(BigInt(stageBytes), 434);
  image.writeUInt32LE(12, 442);
  image.fill(0, 446, 510);
  image.writeUInt16LE(0xaa55, 510);
  return image;
}

/** Parts for disks that are never booted. */
export async function fakeBootParts(dir: string): Promise<BootParts & { readonly bootImage: string }> {
  const bootImage = join(dir, 'boot.img');
  const kernel = join(dir, 'kernel.img');
  await writeFile(bootImage, fakeBootImage(4096));
  await writeFile(kernel, 'a kernel');
  return { bootImage, kernel };
}
