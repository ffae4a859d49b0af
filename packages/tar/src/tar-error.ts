import { FormatError, readFailed } from '@firstlight/files';

/** The reason why unpacking failed: `invalid`: broken, hostile or not an archive; `path-escapes`: a link leads out. */
export type TarReason = 'invalid' | 'path-escapes';

export class TarError extends FormatError<TarReason> {
  override readonly name = 'TarError';
}

/** The error for a hostile or invalid archive. `archive` is its name for a person, `why` a sentence. */
export function invalidArchive(archive: string, why: string, cause?: unknown): TarError {
  return new TarError('invalid', `${archive} cannot be unpacked: ${why}`, {
    hint: 'Fetch or make it again; if it stays so, it was made wrongly or is hostile.',
    subject: archive,
    cause,
  });
}

/** The error of a failed read of an archive: a fault of the archive, unless the system reports another one. */
export function toArchiveError(thrown: unknown, archive: string): unknown {
  if (thrown instanceof FormatError || (thrown instanceof Error && thrown.name === 'AbortError')) return thrown;
  if (thrown instanceof Error && 'syscall' in thrown) return readFailed(thrown, archive);
  const words = thrown instanceof Error ? thrown.message : String(thrown);
  return invalidArchive(archive, /[.!?]$/.test(words) ? words : `${words}.`, thrown);
}
