import { describeDamage, FormatError } from '@firstlight/files';

/**
 * The reason why a disk image could not be read or written.
 *
 * `damaged`: the input is not a complete image. `unsupported`: its kind is not supported. `base-missing`: its base file
 * does not exist; `base-changed`: the base is now a different file. The others belong to writing: `part-missing`,
 * `boot-code-invalid`, `boot-files-too-large`: the boot parts; `too-large`: the disk; `name-too-long`: the base's name.
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

/** The error for a damaged file or another kind of file. Shape: `what` is a clause ("the log ends"). Units: bytes. */
export const damagedDisk = (path: string, what: string, at?: number): DiskError =>
  new DiskError('damaged', ...describeDamage(path, what, at));
