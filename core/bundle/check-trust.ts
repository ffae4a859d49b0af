/** Confines an untrusted project to its own folder. */
import { FirstlightError, type Problem } from '#shared/errors.ts';
import { configFileName, type Project } from '#shared/model/project.ts';

/** Errors: PROJECT_NOT_TRUSTED, with the requests of the configuration. */
export function checkTrust({ dir, name, trusted, asks }: Project): void {
  if (trusted || asks.length === 0) return;
  throw notTrusted(
    { dir, name },
    asks.map(({ message }) => ({ severity: 'error', message, file: configFileName })),
  );
}

/** PROJECT_NOT_TRUSTED, with a problem for each thing that the project asks for. */
export function notTrusted(
  { dir, name }: Pick<Project, 'dir' | 'name'>,
  problems: readonly Problem[],
): FirstlightError {
  const first = problems[0]?.message ?? '';
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  return new FirstlightError('PROJECT_NOT_TRUSTED', `${name} asks for more than its own folder: ${first}${more}`, {
    hint: `If you know where the project comes from, trust it once: firstlight trust ${dir}`,
    details: { problems, subject: dir },
  });
}
