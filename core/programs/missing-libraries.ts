import type { Closure, MissingLibrary } from '@firstlight/elf';
import { FirstlightError, type Problem } from '#shared/errors.ts';

/** The error for an incomplete closure; null when it is complete. */
export function missingLibraries({ program, missing }: Closure): FirstlightError | null {
  if (missing.length === 0) return null;
  const names = missing.map(({ name }) => name);
  const what = names.length === 1 ? `a library that it needs, ${names[0]}` : `${names.length} libraries that it needs`;
  return new FirstlightError('LIBRARY_MISSING', `${program.path} lacks ${what}.`, {
    hint: 'Install the package that has it, or name the directory that it is in with --library-path.',
    details: { subject: program.path, problems: missing.map(toProblem) },
  });
}

function toProblem({ name, neededBy, lookedIn, unsuitable }: MissingLibrary): Problem {
  const others = unsuitable.map(({ path, reason }) => ` ${path} will not do: ${reason.replace(/\.$/, '')}.`).join('');
  const message = `${name}, needed by ${neededBy.join(', ')}, is in none of: ${lookedIn.join(', ')}.${others}`;
  return { severity: 'error', message };
}
