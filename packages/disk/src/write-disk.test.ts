import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFileTree, type FileTree } from '@firstlight/files';
import { hostFile } from '@firstlight/files/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bootNanos, compileStatic, nanosDir, nanosParts, skippedWithoutNanos } from './testing/boot-nanos.ts';
import { fakeBootImage, fakeBootParts } from './testing/boot-parts.ts';
import { writeDisk } from './write-disk.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fl-disk-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const noFiles: FileTree = new Map();

describe('a disk', () => {
  it('has a partition table with the boot file system and the root', async () => {
    const path = join(dir, 'table');
    const boot = await fakeBootParts(dir);
    const layout = await writeDisk(path, { tree: noFiles, digest: 'd', boot });
    const disk = await readFile(path);
    expect(disk.length).toBe(layout.bytes);
    expect(disk.subarray(510, 512).toString('hex')).toBe('55aa');
    const [first, second] = [disk.subarray(446, 462), disk.subarray(462, 478)];
    expect([first[0], first[4], first.readUInt32LE(8), first.readUInt32LE(12)]).toEqual([0x80, 0x83, 2048, 24_576]);
    expect([second[0], second[4], second.readUInt32LE(8)]).toEqual([0, 0x83, 26_624]);
    expect((second.readUInt32LE(8) + second.readUInt32LE(12)) * 512).toBe(layout.bytes);
    // 2048 sectors are 32 tracks of 63 and 32 sectors more.
    expect([...first.subarray(1, 4)]).toEqual([32, 33, 0]);
    expect(disk.subarray(446 + 32, 510).every((byte) => byte === 0)).toBe(true);
    for (const at of [2048, 26_624]) expect(disk.toString('latin1', at * 512, at * 512 + 6)).toBe('NVMTFS');
  });

  it.each([
    ['too short', fakeBootImage(4096).subarray(0, 2000)],
    ['of another kind', Buffer.alloc(4608)],
  ])('is not made with boot code that is %s', async (_, image) => {
    const path = join(dir, 'refused');
    const boot = await fakeBootParts(dir);
    await writeFile(boot.bootImage, image);
    await expect(writeDisk(path, { tree: noFiles, digest: 'd', boot })).rejects.toMatchObject({
      reason: 'boot-code-invalid',
    });
    await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('a disk is refused', () => {
  async function refused(change: (boot: Awaited<ReturnType<typeof fakeBootParts>>) => Promise<unknown>, minBytes = 0) {
    const path = join(dir, 'refused');
    const boot = await fakeBootParts(dir);
    await change(boot);
    const thrown = await writeDisk(path, { tree: noFiles, digest: 'd', boot, minBytes }).catch(
      (error: unknown) => error,
    );
    await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' });
    return thrown;
  }

  it('without its kernel', async () => {
    const thrown = await refused((boot) => rm(boot.kernel));
    expect(thrown).toMatchObject({ reason: 'part-missing', message: expect.stringContaining('kernel.img') });
  });

  it('when the kernel is too large for the boot file system', async () => {
    const thrown = await refused((boot) => writeFile(boot.kernel, Buffer.alloc(11.5 * 1024 * 1024, 1)));
    expect(thrown).toMatchObject({ reason: 'boot-files-too-large', message: expect.stringContaining('12 MiB') });
  });

  it('when a partition table cannot say its size', async () => {
    const thrown = await refused(async () => undefined, 2 * 1024 ** 4);
    expect(thrown).toMatchObject({ reason: 'too-large', message: expect.stringContaining('2 TiB') });
  });
});

describe('a disk under the real kernel', () => {
  it.skipIf(!nanosDir)(`runs its program${skippedWithoutNanos}`, { timeout: 90_000 }, async () => {
    const program = await compileStatic(
      dir,
      'hello',
      '#include <stdio.h>\nint main(int count, char **words) { printf("hello %s\\n", words[1]); return 7; }\n',
    );
    const builder = createFileTree();
    builder.add('/hello', await hostFile(program));
    const root = new Map<string, string | string[]>([
      ['program', '/hello'],
      ['arguments', ['/hello', 'world']],
      ['debug_exit', 't'],
    ]);
    const path = join(dir, 'hello.raw');
    await writeDisk(path, { tree: builder.tree, root, digest: 'd', boot: nanosParts() });
    const { output, status } = await bootNanos([{ path, format: 'raw' }]);
    expect(output).toMatch(/^hello world$/m);
    expect(status).toBe(7);
  });
});
