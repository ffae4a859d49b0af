import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { FirstlightError } from '#shared/errors.ts';
import { withProject } from '../find.ts';
import type { Session } from '../session.ts';
import { chooseTarget, targetOf } from './deploy.ts';

export interface ManifestsOptions {
  readonly target?: string;
  readonly format: 'yaml' | 'kustomize' | 'helm';
  readonly out?: string;
  readonly profile?: string;
  readonly replicas?: number;
  readonly push: boolean;
  readonly signKey?: string;
  readonly kvmResource?: string;
}

/** Writes the manifests of a deploy as files, or prints them. Errors: STORE_UNUSABLE when a file cannot be written. */
export async function writeManifests(session: Session, dir: string, options: ManifestsOptions): Promise<number> {
  const { format, profile, replicas, push, out, signKey, kvmResource } = options;
  const choice = {
    ...(profile !== undefined && { profile }),
    ...(replicas !== undefined && { replicas }),
    ...(kvmResource !== undefined && { kvmResource }),
    ...(signKey !== undefined && { signKey: resolve(session.io.cwd, signKey) }),
  };
  const made = await withProject(session, dir, async (project) => {
    const target = await chooseTarget(session, options.target ?? targetOf(project, profile));
    return await session.call('deploy:manifests', { projectId: project.id, target, format, ...choice, push });
  });
  session.printJson(made);
  if (made.note !== '') session.note(`${made.note}\n`);
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
