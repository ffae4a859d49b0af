/**
 * Error codes, the one error class that people see, and its form on the wire.
 *
 * Every code belongs to a class; the class decides the CLI's exit code and the icon in the app.
 */

/** The classes of errors, by the part of the work that failed, with their CLI exit codes. */
export const exitCodes = {
  function: 1,
  input: 2,
  environment: 3,
  build: 4,
  boot: 5,
  cancelled: 130,
  internal: 70,
} as const;

export type ErrorClass = keyof typeof exitCodes;

/** Every error code, with its class. */
export const errorCodes = {
  FUNCTION_THREW: 'function',
  FUNCTION_TIMEOUT: 'function',
  FUNCTION_OUT_OF_MEMORY: 'function',
  FUNCTION_NEVER_SETTLED: 'function',
  RESPONSE_NOT_SERIALIZABLE: 'function',
  FUNCTION_CRASHED: 'function',

  BAD_INPUT: 'input',
  TOO_MANY_CALLS: 'input',
  NOT_FOUND: 'input',
  ALREADY_EXISTS: 'input',
  CONFLICT: 'input',
  PATH_ESCAPES: 'input',
  PROJECT_INVALID: 'input',
  PROJECT_NOT_TRUSTED: 'input',
  ENTRY_MISSING: 'input',
  MEMORY_TOO_SMALL: 'input',
  IMAGE_INVALID: 'input',
  ELF_INVALID: 'input',
  ARCHIVE_INVALID: 'input',
  LIBRARY_MISSING: 'input',
  DIGEST_MISMATCH: 'input',
  RELEASE_INVALID: 'input',
  NOTICE_NOT_ACCEPTED: 'input',
  TARGET_INVALID: 'input',
  ARCHITECTURE_MISMATCH: 'input',

  LIBVIRT_UNREACHABLE: 'environment',
  LIBVIRT_DENIED: 'environment',
  LIBVIRT_FAILED: 'environment',
  LIBVIRT_LOST: 'environment',
  QEMU_MISSING: 'environment',
  TOOL_MISSING: 'environment',
  TOOL_FAILED: 'environment',
  KERNEL_MISSING: 'environment',
  ACCEL_UNUSABLE: 'environment',
  MACHINE_UNSUPPORTED: 'environment',
  DISK_FULL: 'environment',
  STORE_UNUSABLE: 'environment',
  RELEASE_MISSING: 'environment',
  DOWNLOAD_FAILED: 'environment',
  PORT_IN_USE: 'environment',
  CONNECTION_LOST: 'environment',
  REGISTRY_UNREACHABLE: 'environment',
  REGISTRY_DENIED: 'environment',
  REGISTRY_REFUSED: 'environment',
  REGISTRY_BUSY: 'environment',
  CLUSTER_UNREACHABLE: 'environment',
  CLUSTER_DENIED: 'environment',
  CLUSTER_REFUSED: 'environment',

  BUILD_FAILED: 'build',
  EXPORT_MISSING: 'build',
  EVALUATION_THREW: 'build',
  EVALUATION_TIMEOUT: 'build',

  BOOT_FAILED: 'boot',
  BOOT_TIMEOUT: 'boot',
  GUEST_PANICKED: 'boot',
  INSTANCE_LOST: 'boot',
  CHANNEL_BROKEN: 'boot',
  DEPLOY_FAILED: 'boot',

  CANCELLED: 'cancelled',
  INTERNAL: 'internal',
} as const satisfies Record<string, ErrorClass>;

export type ErrorCode = keyof typeof errorCodes;

/** A place in a source file. Units: line and column count from 1. */
export interface SourceLocation {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The text of that line, where it is known. */
  readonly lineText?: string | undefined;
}

/** One problem of a person's source, as an editor marks it. */
export interface Problem {
  readonly severity: 'error' | 'warning';
  readonly message: string;
  /** The place, as far as it is known; as in `SourceLocation`. */
  readonly file?: string | undefined;
  readonly line?: number | undefined;
  readonly column?: number | undefined;
  readonly lineText?: string | undefined;
}

/** The details of an error in addition to its message. Each field is present when the code needs it. */
export interface ErrorDetails {
  /** Compiler, configuration or evaluation problems, each with its place. */
  readonly problems?: readonly Problem[] | undefined;
  /** A stack of the person's function, mapped to its source. */
  readonly stack?: string | undefined;
  /** The output of a tool, of the guest or of libvirt. */
  readonly output?: string | undefined;
  /** The command, path, instance or setting concerned. */
  readonly subject?: string | undefined;
}

export interface ErrorOptions {
  readonly hint?: string | undefined;
  readonly details?: ErrorDetails | undefined;
  readonly cause?: unknown;
}

/**
 * An error for a person: `message` names the problem and its place, `hint` the remedy.
 *
 * Errors: `code` is stable and part of the public interface; texts may change.
 */
export class FirstlightError extends Error {
  override readonly name = 'FirstlightError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.details = options.details ?? {};
  }

  /** The class of the code: who has to act. */
  get class(): ErrorClass {
    return errorCodes[this.code];
  }

  /** The CLI's exit code for this error. */
  get exitCode(): number {
    return exitCodes[this.class];
  }
}

/** An error as it crosses a process boundary, whole. Shape: plain JSON. */
export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly details?: ErrorDetails | undefined;
  /** The messages of the chain of causes, outermost first. */
  readonly causes?: readonly string[] | undefined;
}

/** The `FirstlightError` for anything thrown: itself when it is one, otherwise INTERNAL (or CANCELLED for an abort). */
export function toFirstlightError(thrown: unknown): FirstlightError {
  if (thrown instanceof FirstlightError) return thrown;
  if (thrown instanceof Error && thrown.name === 'AbortError') {
    return new FirstlightError('CANCELLED', 'Cancelled.', { cause: thrown });
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new FirstlightError('INTERNAL', `Unexpected: ${message}`, {
    cause: thrown,
    hint: 'This is a defect in Firstlight. Run `firstlight doctor` and report what it prints with this message.',
  });
}

/** The wire form of anything thrown. */
export function toWireError(thrown: unknown): WireError {
  const error = toFirstlightError(thrown);
  const causes: string[] = [];
  for (let cause = error.cause; cause !== undefined && causes.length < 8; ) {
    causes.push(cause instanceof Error ? cause.message : String(cause));
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return {
    code: error.code,
    message: error.message,
    ...(error.hint !== undefined && { hint: error.hint }),
    ...(Object.keys(error.details).length > 0 && { details: error.details }),
    ...(causes.length > 0 && { causes }),
  };
}

/** The error of a wire form. */
export function fromWireError(wire: WireError): FirstlightError {
  const cause = wire.causes?.reduceRight<Error | undefined>(
    (inner, message) => new Error(message, inner === undefined ? undefined : { cause: inner }),
    undefined,
  );
  return new FirstlightError(wire.code, wire.message, { hint: wire.hint, details: wire.details, cause });
}
