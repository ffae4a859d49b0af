import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSource } from '@firstlight/disk';
import { createFileTree, createMemorySource, createRawDisk } from '@firstlight/files';
import { readFileBytes, writeVolume } from '@firstlight/tfs';
import { dataSector, encode, fileTuple, varint, volumeBytes, type Written, whole } from '@firstlight/tfs/testing';
import { describeImage } from '#core/images/inspect/describe-image.ts';
import { describeSpans } from '#core/images/inspect/open-image.ts';
import type { FuzzTarget } from './run-fuzz.ts';

/** What is read of each file: enough to go through its first extents. */
const readBytes = 2048;

/** A disk as the inspector reads it: everything it says, and the beginning of every file. */
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

const dataAt = dataSector();
const root: Written = {
  program: '/app',
  arguments: ['app', '1'],
  environment: { A: 'b' },
  big: 2n ** 60n,
  children: {
    app: fileTuple(1500, [
      [0, 2, dataAt],
      [4, 1, dataAt + 2],
    ]),
    lib: { linktarget: 'app' },
    etc: { children: { empty: { filelength: '0', extents: {} } } },
  },
};
const data = Buffer.alloc(4 * 512, 'data');

/** Both versions, a record in parts, and what comes later in the log. */
function volumes(): Uint8Array[] {
  const record = encode(root);
  const parts = [
    2,
    ...varint(record.length),
    ...varint(200),
    ...record.slice(0, 200),
    3,
    ...varint(record.length - 200),
  ];
  const later = whole(encode({ ref: 1, set: { program: '/lib', big: null, more: ['x'] } }));
  const old: Written = {
    program: '/a',
    arguments: { '0': 'a' },
    children: { a: { linktarget: 'b' }, b: { children: {} } },
  };
  return [
    volumeBytes({ log: [...whole(record), 4, ...later], data }),
    volumeBytes({ log: [...parts, ...record.slice(200)], data }),
    volumeBytes({ version: 4, log: whole(encode(old, 4)), data }),
  ];
}

/** A disk with a partition table around a volume. */
function partitioned(volume: Uint8Array): Uint8Array {
  const disk = Buffer.alloc(512 + 2 * volume.length);
  disk.set(volume, 512);
  disk.set(volume, 512 + volume.length);
  for (const [index, start] of [1, 1 + volume.length / 512].entries()) {
    disk[446 + index * 16 + 4] = 0x83;
    disk.writeUInt32LE(start, 446 + index * 16 + 8);
    disk.writeUInt32LE(volume.length / 512, 446 + index * 16 + 12);
  }
  disk.writeUInt16LE(0xaa55, 510);
  return disk;
}

/** What the real writer makes of a small tree. */
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

/** File systems and partition tables, byte by byte. */
export const nanosVolumes: FuzzTarget = {
  name: 'Nanos disks',
  corpus: () => {
    const all = volumes();
    return [...all, partitioned(all[0] ?? new Uint8Array())];
  },
  parse: inspect,
};

/** One record of a log, whole in its length, so that what is broken is inside it: tuples, references, extents. */
export const nanosRecords: FuzzTarget = {
  name: 'Nanos log records',
  corpus: () => [encode(root), encode({ a: 'b', children: {} })].map((bytes) => Uint8Array.from(bytes)),
  parse: (input) => inspect(volumeBytes({ log: whole([...input]), data })),
};

/** What our own writer makes: a MiB, where the others are a few KiB. */
export const writtenVolumes: FuzzTarget = {
  name: 'Nanos volumes as written',
  share: 0.05,
  corpus: async () => [await written()],
  parse: inspect,
};

/** A volume of one table of each level, in clusters of 512 bytes. */
function qcow2(volume: Uint8Array, version: 2 | 3): Uint8Array {
  const clusters = Math.ceil(volume.length / 512);
  const tables = Math.ceil(clusters / 64);
  const bytes = Buffer.alloc((2 + tables + clusters) * 512);
  bytes.writeUInt32BE(0x514649fb, 0);
  bytes.writeUInt32BE(version, 4);
  bytes.writeUInt32BE(9, 20);
  bytes.writeBigUInt64BE(BigInt(volume.length), 24);
  bytes.writeUInt32BE(tables, 36);
  bytes.writeBigUInt64BE(512n, 40);
  if (version === 3) bytes.writeUInt32BE(104, 100);
  bytes.writeBigUInt64BE(200n, 8);
  bytes.writeUInt32BE(4, 16);
  bytes.write('base', 200);
  for (let table = 0; table < tables; table++) bytes.writeBigUInt64BE(BigInt((2 + table) * 512), 512 + table * 8);
  for (let cluster = 0; cluster < clusters; cluster++) {
    bytes.writeBigUInt64BE(BigInt((2 + tables + cluster) * 512), 1024 + cluster * 8);
  }
  bytes.set(volume, (2 + tables) * 512);
  return bytes;
}

/** qcow2 files with a file system in them. */
export const qcow2Disks: FuzzTarget = {
  name: 'qcow2 disks',
  corpus: () => volumes().flatMap((volume) => [qcow2(volume, 2), qcow2(volume, 3)]),
  parse: inspect,
};
