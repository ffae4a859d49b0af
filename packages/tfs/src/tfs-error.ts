import { describeDamage, FormatError } from '@firstlight/files';

/**
 * Why a TFS volume could not be read or written.
 *
 * `damaged`: what is read is not a whole volume. The others are of writing: `tree-invalid`: the tree or the root has what no
 * volume can hold; `label-invalid`; `file-gone`, `file-changed`, `not-a-file`: a file of the tree is not what it was when
 * the tree was made; `not-in-base`: the volume below lacks a file that is said to be there.
 */
export type TfsReason =
  | 'damaged'
  | 'tree-invalid'
  | 'label-invalid'
  | 'file-gone'
  | 'file-changed'
  | 'not-a-file'
  | 'not-in-base';

export class TfsError extends FormatError<TfsReason> {
  override readonly name = 'TfsError';
}

/** The error for a volume that is damaged, or none. Shape: `what` is a clause ("the log ends"). Units: `at` in bytes of `path`. */
export const damagedVolume = (path: string, what: string, at?: number): TfsError =>
  new TfsError('damaged', ...describeDamage(path, what, at));
