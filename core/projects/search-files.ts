import type { CallOutput } from '#shared/contract/index.ts';
import type { SearchMatch } from '#shared/contract/projects.ts';
import { FirstlightError } from '#shared/errors.ts';
import { isBarred, listFiles, readText } from './project-files.ts';
import { searchText } from './search-text.ts';

/** Nobody reads more than this: a longer search text is needed. */
const mostMatches = 1_000;
/** Longer files are generated. */
const mostBytes = 1 << 20;

/** The places of a text in the text files of a project. Errors: CANCELLED through `signal`. */
export async function searchFiles(
  root: string,
  wanted: string,
  { matchCase, signal }: { readonly matchCase: boolean; readonly signal: AbortSignal },
): Promise<CallOutput<'projects:search'>> {
  const matches: SearchMatch[] = [];
  let files = 0;
  for (const { path, kind, bytes } of await listFiles(root)) {
    if (signal.aborted) throw new FirstlightError('CANCELLED', 'The search was cancelled.');
    if (kind !== 'file' || bytes > mostBytes) continue;
    const text = await readText(root, path).then((read) => read.text, notTextAsUndefined);
    if (text === undefined) continue;
    files += 1;
    matches.push(...searchText(path, text, wanted, { matchCase, limit: mostMatches + 1 - matches.length }));
    if (matches.length > mostMatches) break;
  }
  return { matches: matches.slice(0, mostMatches), files, isCut: matches.length > mostMatches };
}

/** A binary file, one that has been removed since, or one that this user may not read contains no text. */
function notTextAsUndefined(thrown: unknown): undefined {
  if (thrown instanceof FirstlightError && ['BAD_INPUT', 'NOT_FOUND', 'PATH_ESCAPES'].includes(thrown.code)) return;
  if (isBarred(thrown instanceof FirstlightError ? thrown.cause : thrown)) return;
  throw thrown;
}
