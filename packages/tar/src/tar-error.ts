import { systemCode, toFileError } from '../../../core/store/store-error.ts';
import { FirstlightError } from '../../../shared/errors.ts';

/** An archive that is not to be trusted, or none. `archive` is its name for a person, `why` a sentence. */
export function badArchive(archive: string, why: string, cause?: unknown): FirstlightError {
  return new FirstlightError('ARCHIVE_INVALID', `${archive} cannot be unpacked: ${why}`, {
    hint: 'Fetch or make it again; if it stays so, it was made wrongly or is hostile.',
    details: { subject: archive },
    cause,
  });
}

/** What a person reads when reading an archive failed: its own fault, unless the system says otherwise. */
export function toArchiveError(thrown: unknown, archive: string): unknown {
  if (thrown instanceof FirstlightError || (thrown instanceof Error && thrown.name === 'AbortError')) return thrown;
  const code = systemCode(thrown);
  if (code !== undefined && /^E[A-Z0-9]+$/.test(code)) return toFileError(thrown, 'read', archive);
  const words = thrown instanceof Error ? thrown.message : String(thrown);
  return badArchive(archive, /[.!?]$/.test(words) ? words : `${words}.`, thrown);
}
