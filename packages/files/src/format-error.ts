/** What an error of a format package carries besides its words. */
export interface FormatErrorDetails {
  /** The file, archive, image or path concerned. */
  readonly subject?: string | undefined;
  /** Where in the subject. Units: bytes from its start. */
  readonly offset?: number | undefined;
  /** What to do about it. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/**
 * An error of the format packages: each has a class of its own with its own reasons.
 *
 * Shape: `message` is a sentence for a person. `reason` is stable; the words may change.
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

/** The words and the place of damage at byte `at` of `path`. Shape: `what` is a clause ("the log ends"). */
export function describeDamage(path: string, what: string, at?: number): [string, FormatErrorDetails] {
  const place = at === undefined ? '' : ` at byte ${at}`;
  return [`${path} is damaged or no image: ${what}${place}.`, { subject: path, offset: at }];
}
