import { stat } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { type Closure, findFork, resolveClosure } from '@firstlight/elf';
import { forkWarnings } from '#core/programs/fork-warnings.ts';
import { missingLibraries } from '#core/programs/missing-libraries.ts';
import { withFormatErrors } from '#core/store/from-format-error.ts';
import { formatBytes } from '#shared/format.ts';
import { renderError, renderProblem } from '../output/print-error.ts';
import { createStyle, type Style } from '../output/style.ts';
import { renderTable } from '../output/table.ts';
import type { Session } from '../session.ts';

/** Shows the dependency closure of a program. Exit code 2 when something is missing. */
export async function showDeps(
  session: Session,
  program: string,
  options: { root?: string; libraryPath?: string },
): Promise<number> {
  const { cwd } = session.io;
  const root = resolve(cwd, options.root ?? '/');
  const path = await pathInRoot(program, cwd, root);
  const libraryPath = (options.libraryPath ?? '').split(':').filter((dir) => dir !== '');
  const { closure, forks } = await withFormatErrors(async () => {
    const found = await resolveClosure(path, { root, libraryPath });
    return { closure: found, forks: await findFork(found) };
  });
  const warnings = forkWarnings(forks);
  session.printJson({ ...closure, forks, warnings: [...closure.warnings, ...warnings.map(({ message }) => message)] });
  session.print(renderClosure(closure, session.style));
  for (const message of closure.warnings) warnings.unshift({ severity: 'warning', message });
  for (const warning of warnings) session.print(`\n${renderProblem(warning, session.style).join('\n')}\n`);

  const error = missingLibraries(closure);
  if (error === null) return 0;
  if (!session.json) session.note(`\n${renderError(error, createStyle(session.io, session.io.stderr))}`);
  return error.exitCode;
}

/** The path of the named file relative to the root: a path in it, or a file of this machine below it. */
async function pathInRoot(program: string, cwd: string, root: string): Promise<string> {
  const here = resolve(cwd, program);
  if (root === '/') return here;
  const inside = relative(root, here);
  const isBelow = !inside.startsWith('..') && (await stat(here).catch(() => null)) !== null;
  return isBelow ? `/${inside}` : join('/', program);
}

function renderClosure({ program, interpreter, libraries, suggested }: Closure, style: Style): string {
  const size = formatBytes(program.bytes);
  const real = program.realPath === program.path ? '' : ` (${program.realPath})`;
  const lines = [`${style.bold(style.foreign(program.path + real))}  ${program.type} for ${program.machine}, ${size}`];
  if (interpreter === null) {
    if (program.type.startsWith('static')) lines.push('It needs no other file.');
    return `${lines.join('\n')}\n`;
  }
  const linker = [interpreter.path, formatBytes(interpreter.bytes), interpreter.realPath, 'interpreter', program.path];
  const rows = libraries.map((one) => [
    one.name,
    formatBytes(one.bytes),
    one.realPath,
    one.foundBy,
    one.neededBy.length > 3
      ? `${one.neededBy.slice(0, 2).join(', ')} and ${one.neededBy.length - 2} more`
      : one.neededBy.join(', '),
  ]);
  const cells = [linker, ...rows].map((row) => row.map((cell) => style.foreign(cell)));
  lines.push('', renderTable(['LIBRARY', '>SIZE', 'FILE', 'FOUND BY', 'NEEDED BY'], cells, style).trimEnd());
  const bytes = [program, interpreter, ...libraries].reduce((sum, file) => sum + file.bytes, 0);
  lines.push('', `${libraries.length + 2} files, ${formatBytes(bytes)} together.`);
  if (suggested.length > 0) {
    lines.push('', 'It may look for these too:');
    for (const { name, reason, found } of suggested) {
      lines.push(`  ${style.foreign(`${name}${found === null ? ' (not there)' : ''}: ${reason}.`)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}
