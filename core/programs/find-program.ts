import { access, constants, realpath } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { undefinedIfMissing } from '#core/store/write-atomic.ts';
import { FirstlightError } from '#shared/errors.ts';

/** The path of a program: as named, relative to `dir`; without a name, the first on PATH. Errors: NOT_FOUND. */
export async function findProgram(
  name: string,
  named: string | undefined,
  dir: string,
  env: NodeJS.ProcessEnv,
): Promise<string> {
  if (named !== undefined) return resolve(dir, named);
  for (const folder of (env.PATH ?? '').split(delimiter)) {
    const path = join(folder, name);
    if (folder !== '' && (await isExecutable(path))) return path;
  }
  throw new FirstlightError('NOT_FOUND', `There is no ${name} on PATH.`, {
    hint: `Install it, or name one in firstlight.json ("${name === 'node' ? 'node' : 'python.interpreter'}").`,
  });
}

/** The real path of a path; the path itself when it does not exist. */
export const realPathOf = async (path: string): Promise<string> =>
  (await realpath(path).catch(undefinedIfMissing)) ?? path;

const isExecutable = (path: string) =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
