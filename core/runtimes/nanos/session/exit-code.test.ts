import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeOverlay } from '@firstlight/disk';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runTool } from '#core/exec/run-tool.ts';
import { isExpected, openExitCode } from './exit-code.ts';

const MiB = 1024 * 1024;
const klogAt = 8 * 512;
let dir: string;
let disk: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fl-exit-code-'));
  disk = join(dir, 'disk.qcow2');
  await writeFile(join(dir, 'base'), Buffer.alloc(MiB, 'KLOG'));
  await writeOverlay(disk, { name: join(dir, 'base'), format: 'raw' }, MiB);
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** As QEMU does for a kernel that ends. */
async function leave(code: number): Promise<void> {
  const sector = Buffer.alloc(512);
  sector.write('KLOG');
  sector.writeInt32LE(code, 12);
  await writeFile(join(dir, 'sector'), sector);
  await runTool('qemu-io', ['-f', 'qcow2', '-c', `write -s ${join(dir, 'sector')} ${klogAt} 512`, disk]);
}

it.each([1, 3, 255, -11])('reads the code %i that was written after it was opened', async (code) => {
  const reader = await openExitCode(disk, klogAt);
  await leave(code);
  await rename(disk, join(dir, 'gone'));
  expect(await reader.read()).toBe(code);
  await reader.close();
});

it('is 0 for a kernel that left nothing, whatever the disk below has', async () => {
  const reader = await openExitCode(disk, klogAt);
  expect(await reader.read()).toBe(0);
  // A disk that was written to elsewhere in that cluster.
  await runTool('qemu-io', ['-f', 'qcow2', '-c', 'write -z 0 64k', disk]);
  expect(await reader.read()).toBe(0);
  await reader.close();
});

it('says what is not a disk', async () => {
  await expect(openExitCode(join(dir, 'none'), klogAt)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  const reader = await openExitCode(join(dir, 'base'), klogAt);
  await expect(reader.read()).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
  await reader.close();
});

it.each([
  [3, undefined, false],
  [3, '3', true],
  [4, '3', false],
  [4, '!3', true],
  [3, '!3', false],
  [255, '*', true],
  [4, [3, 4], true],
  [5, [3, 4], false],
  [-1, [255], true],
])('counts the code %i with %j as %s', (code, expected, is) => {
  expect(isExpected(code, expected)).toBe(is);
});
