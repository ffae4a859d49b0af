import { addClosureFile } from '#core/elf/closure-to-tree.ts';
import type { Closure } from '#core/elf/resolve-closure.ts';
import type { FileTreeBuilder } from '#core/images/file-tree.ts';
import { FirstlightError, type Problem } from '#shared/errors.ts';

/** Errors: LIBRARY_MISSING, naming each library with what needs it and where it was looked for. */
export function requireComplete({ program, missing }: Closure): void {
  if (missing.length === 0) return;
  const names = missing.map(({ name }) => name).join(', ');
  const lines = missing.map(
    ({ name, neededBy, lookedIn }) => `${name}, needed by ${neededBy.join(', ')}; looked in ${lookedIn.join(', ')}`,
  );
  throw new FirstlightError(
    'LIBRARY_MISSING',
    `${program.path} needs ${names}, which ${missing.length === 1 ? 'is' : 'are'} not there.`,
    {
      hint: `\`firstlight deps ${program.path}\` shows what needs what. Install what is missing, or add it to "nanos.files".`,
      details: { output: lines.join('\n'), subject: program.path },
    },
  );
}

/** Adds the files that a program is known to look for while it runs, as far as this machine has them. */
export function addSuggested(closure: Closure, builder: FileTreeBuilder): void {
  for (const { found } of closure.suggested) if (found !== null) addClosureFile(builder, found);
}

export const warningsOf = (closure: Closure): Problem[] =>
  closure.warnings.map((message) => ({ severity: 'warning', message }));
