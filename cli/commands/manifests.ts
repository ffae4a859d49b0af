import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { FirstlightError } from '#shared/errors.ts';
import { withProject } from '../find.ts';
import type { Session } from '../session.ts';
import { chooseTarget } from './deploy.ts';

export interface ManifestsOptions {
  readonly target?: string;
  readonly format: 'yaml' | 'kustomize' | 'helm';
  readonly out?: string;
  readonly replicas: number;
  readonly push: boolean;
}

/** Writes what a deploy would apply as files, or prints it. Errors: STORE_UNUSABLE when a file cannot be written. */
export async function writeManifests(session: Session, dir: string, options: ManifestsOptions): Promise<number> {
  const target = await chooseTarget(session, options.target);
  const { format, replicas, push, out } = options;
  const made = await withProject(session, dir, ({ id: projectId }) =>
    session.call('deploy:manifests', { projectId, target, format, replicas, push }),
  );
  session.printJson(made);
  if (out === undefined) {
    const heads = made.files.length > 1;
    for (const { path, text } of made.files) session.print(`${heads ? `# ${path}\n` : ''}${text}`);
    return 0;
  }
  const folder = resolve(session.io.cwd, out);
  try {
    for (const { path, text } of made.files) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
  } catch (cause) {
    throw new FirstlightError('STORE_UNUSABLE', `The files cannot be written to ${folder}.`, { cause });
  }
  session.print(`${made.files.map(({ path }) => join(out, path)).join('\n')}\n`);
  return 0;
}
