import { withProject } from '../find.ts';
import type { Session } from '../session.ts';

/** Trusts a project's folder, or revokes the trust, and prints the project's requests. */
export async function trust(session: Session, dir: string, options: { revoke?: boolean }): Promise<number> {
  const trusted = options.revoke !== true;
  const project = await withProject(session, dir, ({ id }) =>
    session.call('projects:trust', { projectId: id, trusted }),
  );
  const { asks } = project;
  session.printJson({ dir: project.dir, trusted, asks });
  const verb = trusted ? 'Trusted' : 'No longer trusted:';
  const lines = asks.map(({ message }) => `  ${session.style.foreign(message)}`);
  const rest = asks.length === 0 ? ' Its firstlight.json asks for nothing outside its folder.' : '';
  session.print(`${[`${verb} ${session.style.foreign(project.dir)}.${rest}`, ...lines].join('\n')}\n`);
  return 0;
}
