import { readFile, stat } from 'node:fs/promises';
import { undefinedIfMissing } from '../store/write-atomic.ts';

/**
 * Bytes of an image file that QEMU locks while it has it open, one for each operation that it does or permits to
 * others.
 *
 * Source: QEMU, `block/file-posix.c`: RAW_LOCK_PERM_BASE, RAW_LOCK_SHARED_BASE, each with room for 64.
 */
const firstLockedByte = 100;
const lastLockedByte = 263;

/**
 * True while any QEMU of this machine has the image open.
 *
 * Source: proc(5), `/proc/locks`: `1: OFDLCK ADVISORY READ -1 fe:00:2146391 100 100`. A file system without its own
 * device (btrfs, overlayfs) shows another number there than `stat` does: then the inode must suffice.
 */
export async function isOpenInQemu(imagePath: string): Promise<boolean> {
  const image = await stat(imagePath, { bigint: true }).catch(undefinedIfMissing);
  if (image === undefined) return false;
  const device = deviceName(image.dev);
  const locks = await readFile('/proc/locks', 'utf8');
  for (const [, major, minor, inode, from] of locks.matchAll(
    /^\d+: OFDLCK .* ([0-9a-f]+):([0-9a-f]+):(\d+) (\d+) \S+$/gm,
  )) {
    const isSameDevice = `${major}:${minor}` === device || Number.parseInt(major ?? '', 16) === 0;
    const isQemus = Number(from) >= firstLockedByte && Number(from) <= lastLockedByte;
    if (isQemus && isSameDevice && inode === String(image.ino)) return true;
  }
  return false;
}

/** The device number in the form of `/proc/locks`. Source: glibc, `gnu_dev_major`, `gnu_dev_minor`. */
function deviceName(dev: bigint): string {
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn);
  const minor = (dev & 0xffn) | ((dev >> 12n) & ~0xffn);
  return [major, minor].map((number) => number.toString(16).padStart(2, '0')).join(':');
}
