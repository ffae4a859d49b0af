import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Project } from '#shared/model/project.ts';
import { badInput } from '../failures.ts';
import { renderTable } from '../output/table.ts';
import type { Session } from '../session.ts';

/** Lists the open projects with their problems. */
export async function listProjects(session: Session): Promise<number> {
  const projects = await session.call('projects:list', {});
  session.printJson(
    projects.map(({ id, name, dir, problems, trusted, asks }) => ({ id, name, dir, problems, trusted, asks })),
  );
  if (projects.length === 0) session.print('No project is open. Open one: firstlight run <dir>\n');
  else session.print(renderTable(headings, projects.map(rowOf), session.style));
  return 0;
}

const headings = ['PROJECT', 'FUNCTION', '>PROBLEMS', 'TRUSTED', 'FOLDER'];
const rowOf = ({ id, name, problems, trusted, asks, dir }: Project) => [
  ...[id, name, String(problems.length)],
  // A project that asks for nothing needs no trust.
  trusted ? 'yes' : asks.length === 0 ? '-' : 'no',
  dir,
];

/** Removes a project from the list; its folder is unchanged. Errors: BAD_INPUT when it is not open. */
export async function closeProject(session: Session, name: string): Promise<number> {
  const projects = await session.call('projects:list', {});
  // A folder that is missing or unreadable is closed by its former path.
  const dir = await realpath(name).catch(() => resolve(name));
  const found = projects.filter((project) => [project.id, project.name].includes(name) || project.dir === dir);
  const [project] = found;
  if (project === undefined || found.length > 1) {
    const what = found.length > 1 ? `Several open projects are called ${name}.` : `No project ${name} is open.`;
    throw badInput(what, 'Name one by its id or folder: firstlight projects ls');
  }
  await session.call('projects:close', { projectId: project.id });
  session.printJson({ closed: project.id });
  session.print(`Closed ${project.dir}\n`);
  return 0;
}
