import { FormatError, readFailed } from '@firstlight/files';

/** Why an archive could not be unpacked: `invalid` when it is broken, hostile or none, `path-escapes` when a link leads out of it. */
export type TarReason = 'invalid' | 'path-escapes';

export class TarError extends FormatError<TarReason> {
  override readonly name = 'TarError';
}

/** The error for an archive that is not to be trusted, or none. `archive` is its name for a person, `why` a sentence. */
export function invalidArchive(archive: string, why: string, cause?: unknown): TarError {
  return new TarError('invalid', `${archive} cannot be unpacked: ${why}`, {
    hint: 'Fetch or make it again; if it stays so, it was made wrongly or is hostile.',
    subject: archive,
    cause,
  });
}

/** What reading an archive failed with: its own fault, unless the system says otherwise. */
export function toArchiveError(thrown: unknown, archive: string): unknown {
  if (thrown instanceof FormatError || (thrown instanceof Error && thrown.name === 'AbortError')) return thrown;
  if (thrown instanceof Error && 'syscall' in thrown) return readFailed(thrown, archive);
  const words = thrown instanceof Error ? thrown.message : String(thrown);
  return invalidArchive(archive, /[.!?]$/.test(words) ? words : `${words}.`, thrown);
}
