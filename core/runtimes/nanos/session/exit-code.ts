/** Reads the exit code that a Nanos kernel left on its disk. */

import { createQcow2Disk, readQcow2Header } from '@firstlight/disk';
import { openFile } from '@firstlight/files';
import { withFormatErrors } from '#core/store/from-format-error.ts';
import type { NanosOptions } from '../options.ts';

/** Just before the first partition. Source: `struct klog_dump` in `src/kernel/log.h`: magic, boot id, exit code, messages. */
export interface ExitCodeReader {
  /**
   * The code that a program ended with; 0 when the kernel left no code, as for a code of 0.
   *
   * Errors: IMAGE_INVALID, STORE_UNUSABLE.
   */
  readonly read: () => Promise<number>;
  readonly close: () => Promise<void>;
}

const magic = 'KLOG';
const exitCodeAt = 12;
const headBytes = 16;

/**
 * Opens an instance's disk now, so that it can be read when the instance, and its disk's name, are gone.
 *
 * `klogAt` is the place of the kernel's messages on the disk. Errors: NOT_FOUND, STORE_UNUSABLE.
 */
export async function openExitCode(path: string, klogAt: number): Promise<ExitCodeReader> {
  const file = await withFormatErrors(() => openFile(path));
  return {
    read: () =>
      withFormatErrors(async () => {
        // QEMU has enlarged the file since, and reads beyond its end fail anyway.
        const source = { ...file, bytes: Number.MAX_SAFE_INTEGER };
        // The layers below contain no output of a kernel that ran on this disk.
        const disk = await createQcow2Disk(source, await readQcow2Header(source), null);
        const head = Buffer.from(await disk.read(klogAt, headBytes));
        return head.toString('latin1', 0, 4) === magic ? head.readInt32LE(exitCodeAt) : 0;
      }),
    close: file.close,
  };
}

/** True for a code that the option `expected_exit_code` names, compared as the kernel does: by its low byte. */
export function isExpected(code: number, expected: NanosOptions['expected_exit_code']): boolean {
  const byte = code & 0xff;
  if (expected === undefined) return false;
  if (typeof expected !== 'string') return expected.includes(byte);
  if (expected === '*') return true;
  return expected.startsWith('!') ? byte !== Number(expected.slice(1)) : byte === Number(expected);
}
