import { FirstlightError } from '#shared/errors.ts';

const fullCodes = new Set(['ENOSPC', 'EDQUOT']);

/** The system's own code of a failed file operation (`ENOENT`), when it has one. */
export function systemCode(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;
}

/**
 * What a person reads when a file of ours could not be written or read. `doing` completes "Could not …".
 *
 * Errors: DISK_FULL when there is no room or no quota left, STORE_UNUSABLE otherwise. A FirstlightError stays as it is.
 */
export function toStoreError(thrown: unknown, doing: string, path: string): FirstlightError {
  if (thrown instanceof FirstlightError) return thrown;
  const code = systemCode(thrown);
  const words = thrown instanceof Error ? thrown.message : String(thrown);
  const details = { subject: path, output: words };
  if (code !== undefined && fullCodes.has(code)) {
    const what = code === 'EDQUOT' ? 'your disk quota is used up' : 'the disk is full';
    return new FirstlightError('DISK_FULL', `Could not ${doing} ${path}: ${what}.`, {
      cause: thrown,
      details,
      hint: 'Free some space on that disk, or set FIRSTLIGHT_HOME to a folder on another one.',
    });
  }
  return new FirstlightError('STORE_UNUSABLE', `Could not ${doing} ${path}: ${words}.`, {
    cause: thrown,
    details,
    hint:
      code === 'EACCES' || code === 'EPERM' || code === 'EROFS'
        ? 'Give this user the right to write there, or set FIRSTLIGHT_HOME to a folder that can be written.'
        : 'Set FIRSTLIGHT_HOME to a folder that can be written, and try again.',
  });
}
