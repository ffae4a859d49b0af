/** The fields of a format package's error in addition to its message. */
export interface FormatErrorDetails {
  /** The file, archive, image or path concerned. */
  readonly subject?: string | undefined;
  /** The place in the subject. Units: bytes from its start. */
  readonly offset?: number | undefined;
  /** The remedy. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/**
 * An error of the format packages: each package has its own class with its own reasons.
 *
 * Shape: `message` is a sentence for a person. `reason` is stable; the message may change.
 */
export abstract class FormatError<Reason extends string = string> extends Error {
  readonly reason: Reason;
  readonly subject: string | undefined;
  readonly offset: number | undefined;
  readonly hint: string | undefined;

  constructor(reason: Reason, message: string, { subject, offset, hint, cause }: FormatErrorDetails = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.reason = reason;
    this.subject = subject;
    this.offset = offset;
    this.hint = hint;
  }
}

/** The message and the place of damage at byte `at` of `path`. Shape: `what` is a clause ("the log ends"). */
export function describeDamage(path: string, what: string, at?: number): [string, FormatErrorDetails] {
  const place = at === undefined ? '' : ` at byte ${at}`;
  return [`${path} is damaged or no image: ${what}${place}.`, { subject: path, offset: at }];
}
