import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFileTree, createMemorySource, createRawDisk } from '@firstlight/files';
import type { FuzzTarget } from '@firstlight/files/testing';
import { readFileBytes, readVolume, writeVolume } from '../index.ts';
import { smallData, smallRoot, smallVolumes } from './small-volumes.ts';
import { encode, volumeBytes, whole } from './tfs-bytes.ts';

/** The number of bytes to read of each file: enough for its first extents. */
const readBytes = 2048;

/** Reads a file system, and the beginning of every file. */
async function readAll(bytes: Uint8Array): Promise<void> {
  const disk = createRawDisk(createMemorySource('fuzz', bytes));
  const volume = await readVolume(disk, { start: 0, bytes: disk.bytes });
  for (const node of volume.nodes.slice(0, 50)) {
    if (node.kind !== 'file') continue;
    for await (const _ of readFileBytes(disk, node.data, readBytes));
  }
}

/** The real writer's output for a small tree. */
async function written(): Promise<Uint8Array> {
  const dir = await mkdtemp(join(tmpdir(), 'fl-fuzz-'));
  try {
    const tree = createFileTree();
    tree.add('/bin/app', { kind: 'file', content: { kind: 'bytes', data: Buffer.alloc(600, 'app') }, bytes: 600 });
    tree.add('/lib', { kind: 'symlink', target: 'bin' });
    const path = join(dir, 'volume');
    await writeVolume(path, { tree: tree.tree, root: new Map([['program', '/bin/app']]), digest: 'd', freeBytes: 0 });
    return await readFile(path);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** File systems, byte by byte. */
const nanosVolumes: FuzzTarget = { name: 'TFS volumes', share: 0.3, corpus: smallVolumes, parse: readAll };

/** One record of a log with a correct length, so that the damage is inside it: tuples, references, extents. */
const nanosRecords: FuzzTarget = {
  name: 'TFS log records',
  share: 0.5,
  corpus: () => [encode(smallRoot), encode({ a: 'b', children: {} })].map((bytes) => Uint8Array.from(bytes)),
  parse: (input) => readAll(volumeBytes({ log: whole([...input]), data: smallData })),
};

/** The output of our own writer: a MiB, where the others are a few KiB. */
const writtenVolumes: FuzzTarget = {
  name: 'TFS volumes as written',
  share: 0.05,
  corpus: async () => [await written()],
  parse: readAll,
};

export const fuzzTargets: readonly FuzzTarget[] = [nanosVolumes, nanosRecords, writtenVolumes];
