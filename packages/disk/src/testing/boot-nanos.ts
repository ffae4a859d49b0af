/** Nanos itself, for the tests: its files on this machine, and a boot under QEMU. */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runTool } from '@firstlight/files/testing';
import type { BootParts } from '../write-disk.ts';

/** A folder with a Nanos build: kernel.img, boot.img, klibs/. Without it, tests that need a real kernel are skipped. */
export const nanosDir = process.env.FIRSTLIGHT_NANOS_DIR;
/** The end of the name of a test that needs a real kernel. */
export const skippedWithoutNanos = nanosDir ? '' : ' (skipped: FIRSTLIGHT_NANOS_DIR names no Nanos build)';

/** The parts to boot from. */
export function nanosParts(): BootParts {
  const dir = nanosDir ?? '';
  return { bootImage: join(dir, 'boot.img'), kernel: join(dir, 'kernel.img') };
}

export interface Drive {
  readonly path: string;
  readonly format: 'raw' | 'qcow2';
}

/**
 * The output of a guest until its end, and the exit status of its program. Shape: the root of the first drive has
 * `debug_exit: t`.
 */
export async function bootNanos(
  drives: readonly Drive[],
  moreArguments: readonly string[] = [],
): Promise<{ output: string; status: number }> {
  const disks = drives.flatMap(({ path, format }) => ['-drive', `file=${path},format=${format},if=virtio`]);
  const machine = ['-machine', 'pc,accel=tcg', '-m', '256', '-nographic', '-no-reboot', '-nic', 'none'];
  const { stdout, exitCode } = await runTool(
    'qemu-system-x86_64',
    [...machine, '-device', 'isa-debug-exit', ...disks, ...moreArguments],
    // The device doubles the status and adds one.
    { timeoutMs: 60_000, okExitCodes: Array.from({ length: 128 }, (_, status) => status * 2 + 1) },
  );
  return { output: stdout.replaceAll('\r', ''), status: (exitCode - 1) / 2 };
}

/** Compiles a program that needs no libraries. Shape: the path of the ELF. */
export async function compileStatic(dir: string, name: string, source: string): Promise<string> {
  await mkdir(dir, { recursive: true });
  const path = join(dir, name);
  await writeFile(`${path}.c`, source);
  await runTool('gcc', ['-static', '-O1', '-o', path, `${path}.c`]);
  return path;
}
