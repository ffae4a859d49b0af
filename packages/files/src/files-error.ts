import { describeDamage, FormatError, type FormatErrorDetails } from './format-error.ts';

/**
 * The reason why files could not be read, written or put into a tree.
 *
 * `path-invalid`: Linux does not accept the name; `path-escapes`: the path leads above the root; `path-taken`: it is
 * below a file.
 */
export type FilesReason =
  | 'not-found'
  | 'not-a-file'
  | 'path-invalid'
  | 'path-escapes'
  | 'path-taken'
  | 'truncated'
  | 'read-failed'
  | 'write-failed';

export class FilesError extends FormatError<FilesReason> {
  override readonly name = 'FilesError';
  /** For `read-failed` and `write-failed`: the words after "Could not". */
  readonly doing: string | undefined;

  constructor(reason: FilesReason, message: string, details: FormatErrorDetails & { readonly doing?: string } = {}) {
    super(reason, message, details);
    this.doing = details.doing;
  }
}

/** The system's own code of a failed file operation (`ENOENT`), when it has one. */
export function systemCode(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;
}

/** For `catch`: undefined when the file does not exist, anything else thrown on. */
export function undefinedIfMissing(thrown: unknown): undefined {
  const code = systemCode(thrown);
  if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
  throw thrown;
}

/** The error for a file that the system does not let us read. All other errors stay unchanged. */
export const readFailed = (thrown: unknown, path: string, doing = 'read'): unknown =>
  systemFailed('read-failed', thrown, doing, path);

/** As `readFailed`, for writing. */
export const writeFailed = (thrown: unknown, path: string, doing = 'write'): unknown =>
  systemFailed('write-failed', thrown, doing, path);

function systemFailed(reason: 'read-failed' | 'write-failed', cause: unknown, doing: string, path: string): unknown {
  if (!(cause instanceof Error) || !('syscall' in cause)) return cause;
  return new FilesError(reason, `Could not ${doing} ${path}: ${cause.message}.`, { subject: path, doing, cause });
}

/** The error for a source that ends before the requested bytes. */
export const truncated = (path: string, at: number): FilesError =>
  new FilesError('truncated', ...describeDamage(path, 'the file ends', at));
