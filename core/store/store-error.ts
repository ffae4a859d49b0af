import type { FirstlightError } from '#shared/errors.ts';
import { fromFormatError } from './from-format-error.ts';
import { fileHints, fromSystemError, storeHints } from './system-error.ts';

export { systemCode } from '@firstlight/files';

/**
 * The error for a file of ours that could not be written or read. `doing` completes "Could not …".
 *
 * Errors: DISK_FULL when there is no room or no quota left, STORE_UNUSABLE otherwise. A FirstlightError stays as it is;
 * an error of a format package becomes its counterpart.
 */
export function toStoreError(thrown: unknown, doing: string, path: string): FirstlightError {
  return fromSystemError(fromFormatError(thrown), doing, path, storeHints);
}

/** As `toStoreError`, for a person's own file. */
export function toFileError(thrown: unknown, doing: string, path: string): FirstlightError {
  return fromSystemError(fromFormatError(thrown), doing, path, fileHints);
}
