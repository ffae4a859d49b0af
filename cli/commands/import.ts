import { relative, resolve } from 'node:path';
import { formatBytes } from '#shared/format.ts';
import type { ImportProposal } from '#shared/model/import.ts';
import { withProject } from '../find.ts';
import { renderProblem } from '../output/print-error.ts';
import type { Style } from '../output/style.ts';
import type { Session } from '../session.ts';

interface ImportOptions {
  readonly name?: string;
  readonly dir?: string;
  readonly program?: string;
  readonly dryRun?: boolean;
}

const usageExitCode = 2;

/** Examines a source, prints the findings, and makes a project from it. */
export async function importSource(session: Session, source: string, options: ImportOptions): Promise<number> {
  const { cwd } = session.io;
  const { program } = options;
  const proposal = await session.call('imports:examine', { source, cwd, program });
  const hasErrors = proposal.problems.some(({ severity }) => severity === 'error');
  // The error that follows lists the problems with their locations.
  if (options.dryRun || !hasErrors) session.print(renderProposal(proposal, session.style));
  if (options.dryRun) {
    session.printJson(proposal);
    return proposal.canCreate ? 0 : usageExitCode;
  }
  const name = options.name ?? proposal.name;
  // A program is usually imported from its own folder, and the project gets the name of the program.
  const taken = resolve(cwd, source) === resolve(cwd, name);
  const dir = resolve(cwd, options.dir ?? (taken ? `${name}-project` : name));
  const project = await session.call('imports:create', { source, cwd, program, name, dir, digest: proposal.digest });
  const near = relative(cwd, project.dir);
  const shown = near === '' ? '.' : near.startsWith('..') ? project.dir : `./${near}`;
  session.printJson({ proposal, project });
  session.print(`Created ${project.name} in ${shown}\nRun it: firstlight run ${shown}\n`);
  return 0;
}

/** Prints a project as an ops config.json. */
export async function exportOps(session: Session, dir: string): Promise<number> {
  const { config, notes } = await withProject(session, dir, ({ id }) =>
    session.call('imports:toOps', { projectId: id }),
  );
  session.printJson({ config: JSON.parse(config), notes });
  session.print(config);
  if (!session.json) for (const note of notes) session.note(`note: ${note}\n`);
  return 0;
}

function renderProposal(proposal: ImportProposal, style: Style): string {
  const { summary, program, args, envNames, cwd, port, files, closure, missing, warnings, problems } = proposal;
  const row = (name: string, value: string) => `  ${style.dim(name.padEnd(11))}${style.foreign(value)}`;
  const lines = [
    `${style.bold(style.foreign(summary))}  ${style.dim(style.foreign(proposal.source))}`,
    row('program', [program ?? 'none', ...args].join(' ')),
    ...(cwd === null ? [] : [row('folder', cwd)]),
    ...(envNames.length === 0 ? [] : [row('env', envNames.join(', '))]),
    row('port', port === null ? 'none: it runs to its end' : String(port)),
    row('files', `${files.count}, ${formatBytes(files.bytes)}`),
    ...(closure === null || closure.isStatic
      ? []
      : [row('libraries', closure.libraries.map(({ name }) => name).join(', '))]),
    ...missing.map(
      ({ name, neededBy }) => `  ${style.red('missing')}    ${style.foreign(`${name}, needed by ${neededBy}`)}`,
    ),
    ...problems.flatMap((problem) => renderProblem(problem, style)),
  ];
  for (const { message, hint } of warnings) {
    lines.push(...renderProblem({ severity: 'warning', message }, style));
    if (hint !== null) lines.push(`  ${style.green('hint')} ${style.foreign(hint)}`);
  }
  return `${lines.join('\n')}\n`;
}
