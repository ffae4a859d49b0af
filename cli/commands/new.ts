import { relative, resolve } from 'node:path';
import type { Session } from '../session.ts';

/** Creates a project and says what to do with it. */
export async function createNew(
  session: Session,
  name: string,
  options: { template: string; dir?: string },
): Promise<number> {
  const { cwd } = session.io;
  const dir = resolve(cwd, options.dir ?? name);
  const project = await session.call('projects:create', { name, template: options.template, dir });
  const near = relative(cwd, project.dir);
  const shown = near === '' ? '.' : near.startsWith('..') ? project.dir : `./${near}`;
  session.printJson(project);
  session.print(`Created ${project.name} in ${shown}\nRun it: firstlight run ${shown}\n`);
  return 0;
}
