import { describeDamage, FormatError } from '@firstlight/files';

/**
 * The reason why a TFS volume could not be read or written.
 *
 * `damaged`: the input is not a complete volume. The others belong to writing: `tree-invalid`: a volume cannot contain
 * the tree or the root; `label-invalid`; `file-gone`, `file-changed`, `not-a-file`: a file of the tree has changed
 * since the tree was made; `not-in-base`: the volume below lacks a file that should be there.
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

/** The error for a damaged or invalid volume. Shape: `what` is a clause ("the log ends"). Units: `at` in bytes. */
export const damagedVolume = (path: string, what: string, at?: number): TfsError =>
  new TfsError('damaged', ...describeDamage(path, what, at));
