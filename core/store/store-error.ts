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
  return describe(thrown, doing, path, {
    full: 'Free some space on that disk, or set FIRSTLIGHT_HOME to a folder on another one.',
    denied: 'Give this user the right to write there, or set FIRSTLIGHT_HOME to a folder that can be written.',
    other: 'Set FIRSTLIGHT_HOME to a folder that can be written, and try again.',
  });
}

/** As `toStoreError`, for a person's own file. */
export function toFileError(thrown: unknown, doing: string, path: string): FirstlightError {
  return describe(thrown, doing, path, {
    full: 'Free some space on that disk, and try again.',
    denied: 'Give this user the right to read and write there.',
    other: undefined,
  });
}

interface Hints {
  readonly full: string;
  readonly denied: string;
  readonly other: string | undefined;
}

function describe(thrown: unknown, doing: string, path: string, hints: Hints): FirstlightError {
  if (thrown instanceof FirstlightError) return thrown;
  const code = systemCode(thrown);
  const words = thrown instanceof Error ? thrown.message : String(thrown);
  const details = { subject: path, output: words };
  if (code !== undefined && fullCodes.has(code)) {
    const what = code === 'EDQUOT' ? 'your disk quota is used up' : 'the disk is full';
    const message = `Could not ${doing} ${path}: ${what}.`;
    return new FirstlightError('DISK_FULL', message, { cause: thrown, details, hint: hints.full });
  }
  const denied = code === 'EACCES' || code === 'EPERM' || code === 'EROFS';
  return new FirstlightError('STORE_UNUSABLE', `Could not ${doing} ${path}: ${words}.`, {
    cause: thrown,
    details,
    hint: denied ? hints.denied : hints.other,
  });
}
