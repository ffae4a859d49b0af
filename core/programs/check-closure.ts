import type { Closure } from '@firstlight/elf';
import { addClosureFile, findFork } from '@firstlight/elf';
import type { FileTreeBuilder } from '@firstlight/files';
import type { Problem } from '#shared/errors.ts';
import { forkWarnings } from './fork-warnings.ts';
import { missingLibraries } from './missing-libraries.ts';

/** Errors: LIBRARY_MISSING, naming each library with its dependents and the searched folders. */
export function requireComplete(closure: Closure): void {
  const missing = missingLibraries(closure);
  if (missing !== null) throw missing;
}

/** Adds the files that a program is known to look for while it runs, as far as this machine has them. */
export function addSuggested(closure: Closure, builder: FileTreeBuilder): void {
  for (const { found } of closure.suggested) if (found !== null) addClosureFile(builder, found);
}

/** The warnings about a program before it boots. One of them is that it may start other processes. */
export async function warningsOf(closure: Closure): Promise<Problem[]> {
  const warnings = closure.warnings.map((message): Problem => ({ severity: 'warning', message }));
  return [...warnings, ...forkWarnings(await findFork(closure))];
}

/** As `warningsOf`, for a language's runtime: its ability to start processes does not mean that its scripts do. */
export const warningsOfRuntime = (closure: Closure): Problem[] =>
  closure.warnings.map((message) => ({ severity: 'warning', message }));
