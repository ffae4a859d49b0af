/** The one place where errors of the format packages become those that people see. */
import type { DiskError, DiskReason } from '@firstlight/disk';
import type { ElfError, ElfReason } from '@firstlight/elf';
import { FilesError, type FilesReason, FormatError } from '@firstlight/files';
import type { OciError, OciReason } from '@firstlight/oci';
import type { TarError, TarReason } from '@firstlight/tar';
import type { TfsError, TfsReason } from '@firstlight/tfs';
import { type ErrorCode, FirstlightError, toFirstlightError as toAnyError } from '#shared/errors.ts';
import { fileHints, fromStraySystemError, fromSystemError, storeHints } from './system-error.ts';

const filesCodes: Record<FilesReason, ErrorCode> = {
  'not-found': 'NOT_FOUND',
  'not-a-file': 'BAD_INPUT',
  'path-invalid': 'BAD_INPUT',
  'path-escapes': 'PATH_ESCAPES',
  'path-taken': 'BAD_INPUT',
  truncated: 'IMAGE_INVALID',
  'read-failed': 'STORE_UNUSABLE',
  'write-failed': 'STORE_UNUSABLE',
};

const elfCodes: Record<ElfReason, ErrorCode> = {
  'not-found': 'NOT_FOUND',
  'not-a-file': 'BAD_INPUT',
  'not-elf': 'ELF_INVALID',
  invalid: 'ELF_INVALID',
  'wrong-machine': 'ARCHITECTURE_MISMATCH',
  'not-a-program': 'BAD_INPUT',
  'too-many': 'BAD_INPUT',
};

const tarCodes: Record<TarReason, ErrorCode> = { invalid: 'ARCHIVE_INVALID', 'path-escapes': 'PATH_ESCAPES' };

const ociCodes: Record<OciReason, ErrorCode> = {
  'reference-invalid': 'BAD_INPUT',
  'not-found': 'NOT_FOUND',
  ambiguous: 'BAD_INPUT',
  'wrong-platform': 'BAD_INPUT',
  unsupported: 'BAD_INPUT',
  invalid: 'ARCHIVE_INVALID',
  'digest-mismatch': 'DIGEST_MISMATCH',
  'registry-unreachable': 'REGISTRY_UNREACHABLE',
  'registry-denied': 'REGISTRY_DENIED',
  'registry-refused': 'REGISTRY_REFUSED',
  'registry-busy': 'REGISTRY_BUSY',
};

const tfsCodes: Record<TfsReason, ErrorCode> = {
  damaged: 'IMAGE_INVALID',
  'tree-invalid': 'BAD_INPUT',
  'label-invalid': 'BAD_INPUT',
  'file-gone': 'NOT_FOUND',
  'file-changed': 'CONFLICT',
  'not-a-file': 'BAD_INPUT',
  'not-in-base': 'INTERNAL',
};

const diskCodes: Record<DiskReason, ErrorCode> = {
  damaged: 'IMAGE_INVALID',
  unsupported: 'IMAGE_INVALID',
  'base-missing': 'NOT_FOUND',
  'base-changed': 'CONFLICT',
  'part-missing': 'KERNEL_MISSING',
  'boot-code-invalid': 'BAD_INPUT',
  'boot-files-too-large': 'BAD_INPUT',
  'too-large': 'BAD_INPUT',
  'name-too-long': 'BAD_INPUT',
};

/** Hints that are specific to this product. */
const hints: Readonly<Record<string, string>> = {
  damaged: 'Build it again, or copy it again from where it came from.',
  truncated: 'Build it again, or copy it again from where it came from.',
  'part-missing': 'Install the release again: `firstlight kernel install`.',
  'name-too-long': 'Set FIRSTLIGHT_HOME to a folder with a shorter path.',
};

type Named = FilesError | ElfError | TarError | OciError | TfsError | DiskError;

/** By the name of the class: the packages themselves are loaded when they are needed. */
const codes: Record<Named['name'], Readonly<Record<string, ErrorCode>>> = {
  FilesError: filesCodes,
  ElfError: elfCodes,
  TarError: tarCodes,
  OciError: ociCodes,
  TfsError: tfsCodes,
  DiskError: diskCodes,
};

/** The `FirstlightError` for an error of a format package; anything else unchanged. */
export function fromFormatError(thrown: unknown): unknown {
  if (!(thrown instanceof FormatError)) return thrown;
  const { message, subject, hint = hints[thrown.reason], cause, reason } = thrown;
  if (thrown instanceof FilesError && subject !== undefined) {
    const { doing = '' } = thrown;
    // A file that is read may lie anywhere; a written one goes into the store.
    if (reason === 'read-failed') return fromSystemError(cause, doing, subject, fileHints);
    if (reason === 'write-failed') return fromSystemError(cause, doing, subject, storeHints);
  }
  const details = subject === undefined ? {} : { subject };
  return new FirstlightError(codes[thrown.name as Named['name']]?.[reason] ?? 'INTERNAL', message, {
    hint,
    details,
    cause,
  });
}

const fromAnyCause = (thrown: unknown) => fromStraySystemError(fromFormatError(thrown));

/** The result of `work`, which calls format packages; their errors, and the system's, become a `FirstlightError`. */
export async function withFormatErrors<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (thrown) {
    throw fromAnyCause(thrown);
  }
}

/**
 * The `FirstlightError` for anything thrown in `core`: as that of `shared`, and an error of a package or the system as
 * its counterpart.
 */
export const toFirstlightError = (thrown: unknown): FirstlightError => toAnyError(fromAnyCause(thrown));

/** These calls, with `withFormatErrors` around each. */
export function mapFormatErrors<Calls extends object>(calls: Calls): Calls {
  const mapped = Object.entries(calls).map(([name, call]: [string, (...inputs: unknown[]) => unknown]) => [
    name,
    (...inputs: unknown[]) => withFormatErrors(async () => call(...inputs)),
  ]);
  return Object.fromEntries(mapped) as Calls;
}
