import { systemCode } from '@firstlight/files';
import { FirstlightError, toFirstlightError } from '#shared/errors.ts';

const fullCodes = new Set(['ENOSPC', 'EDQUOT']);
const tooManyCodes = new Set(['EMFILE', 'ENFILE']);
const tooManyHint = 'Allow more open files (ulimit -n 4096), or close programs that keep many open.';
/** The system rejects the path itself. */
const nameProblems: Readonly<Record<string, string>> = {
  ENAMETOOLONG: 'a name in it is too long',
  ELOOP: 'links in it lead to each other',
  ENOTDIR: 'a part of it is a file, not a folder',
};

/** The hints for a full disk, for missing permissions, and for anything else. */
export interface Hints {
  readonly full: string;
  readonly denied: string;
  readonly other: string | undefined;
}

/**
 * The error for a file that the system refused. `doing` completes "Could not …".
 *
 * Errors: BAD_INPUT for an impossible path, DISK_FULL when there is no room or no quota left, STORE_UNUSABLE otherwise,
 * CANCELLED for an abort. A FirstlightError stays as it is.
 */
export function fromSystemError(thrown: unknown, doing: string, path: string, hints: Hints): FirstlightError {
  if (thrown instanceof FirstlightError) return thrown;
  if (thrown instanceof Error && thrown.name === 'AbortError') return toFirstlightError(thrown);
  const code = systemCode(thrown);
  const words = thrown instanceof Error ? thrown.message : String(thrown);
  const details = { subject: path, output: words };
  if (code !== undefined && fullCodes.has(code)) {
    const what = code === 'EDQUOT' ? 'your disk quota is used up' : 'the disk is full';
    const message = `Could not ${doing} ${shorten(path)}: ${what}.`;
    return new FirstlightError('DISK_FULL', message, { cause: thrown, details, hint: hints.full });
  }
  const tooMany = code !== undefined && tooManyCodes.has(code);
  const problem = code === undefined ? undefined : nameProblems[code];
  // In the store the place is at fault, not a path that a person named.
  if (problem !== undefined && hints !== storeHints) {
    const message = `Could not ${doing} ${shorten(path)}: ${problem}.`;
    return new FirstlightError('BAD_INPUT', message, { cause: thrown, details, hint: 'Choose another path.' });
  }
  const denied = code === 'EACCES' || code === 'EPERM' || code === 'EROFS';
  return new FirstlightError('STORE_UNUSABLE', `Could not ${doing} ${shorten(path)}: ${words}.`, {
    cause: thrown,
    details,
    hint: tooMany ? tooManyHint : denied ? hints.denied : hints.other,
  });
}

/** A path that is too long is printed in part. */
const shorten = (path: string) => (path.length > 120 ? `${path.slice(0, 60)}…${path.slice(-40)}` : path);

/**
 * The error for a person from an uncaught error of the system that names a path; anything else unchanged.
 *
 * Errors: as `fromSystemError`.
 */
export function fromStraySystemError(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || thrown instanceof FirstlightError) return thrown;
  const { code, path, syscall } = thrown as NodeJS.ErrnoException;
  if (code === 'ERR_INVALID_ARG_VALUE' && thrown.message.includes('null bytes')) {
    return new FirstlightError('BAD_INPUT', 'A path has no zero byte.', { cause: thrown });
  }
  if (path === undefined || code === undefined || !/^E[A-Z0-9]+$/.test(code)) return thrown;
  return fromSystemError(thrown, syscall ?? 'use', path, fileHints);
}

/** The hints for files in the store. */
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
