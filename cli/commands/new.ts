import { relative, resolve } from 'node:path';
import type { RuntimeId } from '#shared/model/project.ts';
import type { Session } from '../session.ts';

/** Creates a project and prints the next steps. */
export async function createNew(
  session: Session,
  name: string,
  options: { template: string; runtime?: RuntimeId; dir?: string },
): Promise<number> {
  const { cwd } = session.io;
  const { template, runtime } = options;
  const dir = resolve(cwd, options.dir ?? name);
  const project = await session.call('projects:create', {
    name,
    template,
    dir,
    ...(runtime !== undefined && { runtime }),
  });
  const near = relative(cwd, project.dir);
  const shown = near === '' ? '.' : near.startsWith('..') ? project.dir : `./${near}`;
  session.printJson(project);
  session.print(`Created ${project.name} in ${shown}\nRun it: firstlight run ${shown}\n`);
  return 0;
}
