import { describeDamage, FormatError } from '@firstlight/files';

/**
 * Why a disk image could not be read or written.
 *
 * `damaged`: what is read is not a whole image. `unsupported`: it is one of a kind that is not read here. `base-missing`: the
 * file that it builds on is not there; `base-changed`: that is another now. The others are of writing: `part-missing`,
 * `boot-code-invalid`, `boot-files-too-large`: of what it is to boot from; `too-large`: the disk; `name-too-long`: of the base.
 */
export type DiskReason =
  | 'damaged'
  | 'unsupported'
  | 'base-missing'
  | 'base-changed'
  | 'part-missing'
  | 'boot-code-invalid'
  | 'boot-files-too-large'
  | 'too-large'
  | 'name-too-long';

export class DiskError extends FormatError<DiskReason> {
  override readonly name = 'DiskError';
}

/** The error for an image that is damaged, or none. Shape: `what` is a clause ("the log ends"). Units: `at` in bytes of `path`. */
export const damagedDisk = (path: string, what: string, at?: number): DiskError =>
  new DiskError('damaged', ...describeDamage(path, what, at));
