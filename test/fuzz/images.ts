import { openSource } from '@firstlight/disk';
import { createMemorySource, createRawDisk } from '@firstlight/files';
import type { FuzzTarget } from '@firstlight/files/testing';
import { readFileBytes } from '@firstlight/tfs';
import { smallVolumes } from '@firstlight/tfs/testing';
import { describeImage } from '#core/images/inspect/describe-image.ts';
import { describeSpans } from '#core/images/inspect/open-image.ts';
import { isRefusal } from './is-refusal.ts';

/** The number of bytes to read of each file: enough for its first extents. */
const readBytes = 2048;

/** Reads a disk like the inspector: all its metadata, and the beginning of every file. */
async function inspect(bytes: Uint8Array): Promise<void> {
  const below = async () => createRawDisk(createMemorySource('below', new Uint8Array(2048)));
  const disk = await openSource(createMemorySource('fuzz', bytes), null, below);
  const first = await disk.read(0, Math.min(512, disk.bytes));
  const image = { ...describeSpans(disk, first), disk, fileBytes: bytes.length, allocatedBytes: bytes.length };
  await describeImage(image, 'root');
  if (image.isElf) return;
  const volume = await image.volume('root');
  for (const node of volume.nodes.slice(0, 50)) {
    if (node.kind !== 'file') continue;
    for await (const _ of readFileBytes(disk, node.data, readBytes));
  }
}

/** Images for the inspector. */
export const inspectedImages: FuzzTarget = {
  name: 'images as they are inspected',
  share: 0.3,
  isRefusal,
  corpus: smallVolumes,
  parse: inspect,
};
