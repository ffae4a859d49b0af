import { systemCode } from '@firstlight/files';
import { FirstlightError, toFirstlightError } from '#shared/errors.ts';

const fullCodes = new Set(['ENOSPC', 'EDQUOT']);
const tooManyCodes = new Set(['EMFILE', 'ENFILE']);
const tooManyHint = 'Allow more open files (ulimit -n 4096), or close programs that keep many open.';

/** What to do when the disk is full, when this user may not, and otherwise. */
export interface Hints {
  readonly full: string;
  readonly denied: string;
  readonly other: string | undefined;
}

/**
 * What a person reads when the system refused a file. `doing` completes "Could not …".
 *
 * Errors: DISK_FULL when there is no room or no quota left, STORE_UNUSABLE otherwise, CANCELLED for an abort. A FirstlightError stays as it is.
 */
export function fromSystemError(thrown: unknown, doing: string, path: string, hints: Hints): FirstlightError {
  if (thrown instanceof FirstlightError) return thrown;
  if (thrown instanceof Error && thrown.name === 'AbortError') return toFirstlightError(thrown);
  const code = systemCode(thrown);
  const words = thrown instanceof Error ? thrown.message : String(thrown);
  const details = { subject: path, output: words };
  if (code !== undefined && fullCodes.has(code)) {
    const what = code === 'EDQUOT' ? 'your disk quota is used up' : 'the disk is full';
    const message = `Could not ${doing} ${path}: ${what}.`;
    return new FirstlightError('DISK_FULL', message, { cause: thrown, details, hint: hints.full });
  }
  const tooMany = code !== undefined && tooManyCodes.has(code);
  const denied = code === 'EACCES' || code === 'EPERM' || code === 'EROFS';
  return new FirstlightError('STORE_UNUSABLE', `Could not ${doing} ${path}: ${words}.`, {
    cause: thrown,
    details,
    hint: tooMany ? tooManyHint : denied ? hints.denied : hints.other,
  });
}

/** The hints for what lies in the store. */
export const storeHints: Hints = {
  full: 'Free some space on that disk, or set FIRSTLIGHT_HOME to a folder on another one.',
  denied: 'Give this user the right to write there, or set FIRSTLIGHT_HOME to a folder that can be written.',
  other: 'Set FIRSTLIGHT_HOME to a folder that can be written, and try again.',
};

/** The hints for a person's own files. */
export const fileHints: Hints = {
  full: 'Free some space on that disk, and try again.',
  denied: 'Give this user the right to read and write there.',
  other: undefined,
};
