/** Files in our images, as the real kernel finds and changes them. */
import { mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFileTree } from '@firstlight/files';
import { hostFile, runTool } from '@firstlight/files/testing';
import { maxDepth, writeVolume } from '@firstlight/tfs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeOverlay } from './qcow2.ts';
import { bootNanos, type Drive, nanosDir, nanosParts, skippedWithoutNanos } from './testing/boot-nanos.ts';
import { type CheckedFiles, checkingRoot, createCheckedFiles, noise } from './testing/checked-files.ts';
import { writeDerived } from './write-derived.ts';
import { writeDisk } from './write-disk.ts';

const MiB = 1024 * 1024;
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fl-nanos-files-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const inGuest = (name: string, test: () => Promise<void>) =>
  it.skipIf(!nanosDir)(`${name}${skippedWithoutNanos}`, { timeout: 120_000 }, test);

async function expectRight(...drives: Drive[]): Promise<void> {
  const { output, status } = await bootNanos(drives);
  expect(output).toMatch(/^right: \d+, wrong: 0$/m);
  expect(status).toBe(0);
}

/** Files of every kind. */
async function addKinds(files: CheckedFiles): Promise<void> {
  const { add, builder } = files;
  add('/empty', Buffer.alloc(0));
  add('/one byte', Buffer.from('1'));
  add('/a page', noise(4096, 1));
  add('/several extents', noise(70 * MiB + 1234, 2));
  add('/zeros', Buffer.alloc(100_000));
  add('/sparse', Buffer.concat([Buffer.alloc(MiB), noise(100_000, 3), Buffer.alloc(2 * MiB)]));
  add('/ünïcode/日本語 файл', Buffer.from('names'));
  add(`/${'n'.repeat(255)}`, Buffer.from('long name'));
  add(`${'/d'.repeat(maxDepth - 1)}/deep`, Buffer.from('deep'));
  builder.add('/links/absolute', { kind: 'symlink', target: '/a page' });
  builder.add('/links/relative', { kind: 'symlink', target: '../ünïcode' });
  files.expect('/links/absolute', 0, noise(4096, 1), 4096);
  files.expect('/links/relative/日本語 файл', 0, Buffer.from('names'), 5);
  builder.add('/empty folder', { kind: 'directory' });
}

/** Writes of each kind: into an extent, into a hole, behind the end, to a new file, and after it was empty. */
function addChanges({ change }: CheckedFiles): void {
  const sparse = Buffer.concat([Buffer.alloc(MiB), noise(100_000, 3), Buffer.alloc(2 * MiB)]);
  change('/sparse', 2 * MiB + 10, 70_000, 5, Buffer.from(sparse.fill(5, 2 * MiB + 10, 2 * MiB + 70_010)));
  change('/a page', 100, 50, 6, noise(4096, 1).fill(6, 100, 150));
  change('/one byte', 5000, 3000, 7, Buffer.concat([Buffer.from('1'), Buffer.alloc(4999), Buffer.alloc(3000, 7)]));
  change('/empty', 0, MiB, 8, Buffer.alloc(MiB, 8));
  change('/empty folder/nëw', 0, 300_000, 9, Buffer.alloc(300_000, 9));
}

describe('files on a raw disk', () => {
  inGuest('are what was put there, and take what is written', async () => {
    const files = await createCheckedFiles(dir);
    await addKinds(files);
    addChanges(files);
    files.finish();
    const path = join(dir, 'kinds.raw');
    await writeDisk(path, { tree: files.builder.tree, root: checkingRoot, digest: 'd', boot: nanosParts() });
    await expectRight({ path, format: 'raw' });
    await expectRight({ path, format: 'raw' });
  });

  inGuest('can be so many that their metadata takes several pieces of the log', async () => {
    const files = await createCheckedFiles(dir);
    for (let index = 0; index < 12_000; index++) {
      files.add(`/many/${index % 100}/a file with the number ${index}`, Buffer.from(`content ${index}`));
    }
    files.change('/many/5/new', 0, 10, 1, Buffer.alloc(10, 1));
    files.finish();
    const path = join(dir, 'many.raw');
    await writeDisk(path, { tree: files.builder.tree, root: checkingRoot, digest: 'd', boot: nanosParts() });
    await expectRight({ path, format: 'raw' });
    await expectRight({ path, format: 'raw' });
  });

  inGuest('can be larger than 4 GiB', async () => {
    const bytes = 4096 * MiB + 500_007;
    const [across, behind] = [4096 * MiB - 100_000, 4096 * MiB + 100_000];
    const large = join(dir, 'large');
    const piece = noise(200_000, 4);
    const file = await open(large, 'w');
    await file.write(piece, 0, piece.length, 0);
    await file.write(piece, 0, piece.length, across);
    await file.truncate(bytes);
    await file.close();
    const files = await createCheckedFiles(dir);
    files.builder.add('/large', await hostFile(large));
    files.expect('/large', 0, piece, bytes);
    files.expect('/large', across - 1000, Buffer.concat([Buffer.alloc(1000), piece]), bytes);
    files.expect('/large', behind, Buffer.alloc(bytes - behind), bytes);
    files.finish();
    const path = join(dir, 'large.raw');
    const layout = await writeDisk(path, {
      tree: files.builder.tree,
      root: checkingRoot,
      digest: 'd',
      boot: nanosParts(),
    });
    expect(layout.bytes).toBeLessThan(64 * MiB);
    await expectRight({ path, format: 'raw' });
  });
});

describe('files of a derived image', () => {
  inGuest('are the base’s and its own, and an overlay takes what is written', async () => {
    const below = await createCheckedFiles(dir);
    await addKinds(below);
    const base = join(dir, 'base.raw');
    const layout = await writeDisk(base, { tree: below.builder.tree, digest: 'base', boot: nanosParts() });

    const files = await createCheckedFiles(dir);
    await addKinds(files);
    addChanges(files);
    files.add('/app/own', noise(300_000, 5));
    files.finish();
    const path = join(dir, 'derived.qcow2');
    const fromBase = new Set(below.builder.tree.keys());
    const derived = await writeDerived(path, {
      tree: files.builder.tree,
      root: checkingRoot,
      digest: 'derived',
      base: { path: base, layout },
      fromBase,
    });
    const overlay = join(dir, 'overlay.qcow2');
    await writeOverlay(overlay, { name: path, format: 'qcow2' }, derived.bytes);
    const before = await stat(path);
    await expectRight({ path: overlay, format: 'qcow2' });
    await expectRight({ path: overlay, format: 'qcow2' });
    await runTool('qemu-img', ['check', overlay]);
    expect((await stat(path)).mtimeMs).toBe(before.mtimeMs);
  });
});

describe('a volume', () => {
  inGuest('is mounted by its label, and keeps what is written over a boot', async () => {
    const data = createFileTree();
    data.add('/filled', { kind: 'file', content: { kind: 'bytes', data: noise(50_000, 6) }, bytes: 50_000 });
    const volume = join(dir, 'volume.raw');
    await writeVolume(volume, { tree: data.tree, label: 'my data', digest: 'v' });

    const files = await createCheckedFiles(dir);
    files.builder.add('/data', { kind: 'directory' });
    files.expect('/data/filled', 0, noise(50_000, 6), 50_000);
    files.change('/data/new', 0, 100_000, 3, Buffer.alloc(100_000, 3));
    files.finish();
    const path = join(dir, 'with-volume.raw');
    const root = new Map([...checkingRoot, ['mounts', new Map([['my data', '/data']])]] as const);
    await writeDisk(path, { tree: files.builder.tree, root, digest: 'd', boot: nanosParts() });
    const drives = [
      { path, format: 'raw' },
      { path: volume, format: 'raw' },
    ] as const;
    await expectRight(...drives);
    await expectRight(...drives);
  });
});

describe('klibs', () => {
  inGuest('are found in the boot file system', async () => {
    const files = await createCheckedFiles(dir);
    files.add('/file', Buffer.from('content'));
    files.finish();
    const path = join(dir, 'klibs.raw');
    const root = new Map([...checkingRoot, ['klibs', 'bootfs'], ['syscall_summary', 't']] as const);
    const klibs = new Map([['strace', join(nanosDir ?? '', 'klibs/strace')]]);
    const boot = { ...nanosParts(), klibs };
    await writeDisk(path, { tree: files.builder.tree, root, digest: 'd', boot });
    const { output, status } = await bootNanos([{ path, format: 'raw' }]);
    expect(status).toBe(0);
    expect(output).toMatch(/pread64/);
  });
});
