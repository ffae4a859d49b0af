import { relative, resolve } from 'node:path';
import { runtimes } from '#core/engine/runtimes.ts';
import { migrateProject } from '#core/projects/migrate-project.ts';
import { diffLines } from '../output/line-diff.ts';
import type { Style } from '../output/style.ts';
import type { Session } from '../session.ts';

/** Rewrites a project's firstlight.json in the current format, or prints the changes. */
export async function migrate(
  session: Session,
  dir: string | undefined,
  { dryRun = false }: { dryRun?: boolean },
): Promise<number> {
  const { cwd } = session.io;
  const { path, before, text, moved } = await migrateProject(resolve(cwd, dir ?? '.'), { runtimes, dryRun });
  const near = relative(cwd, path);
  const shown = near.startsWith('..') ? path : near;
  session.printJson({ path, moved, written: !dryRun && moved.length > 0, ...(dryRun && { text }) });
  if (moved.length === 0) {
    session.print(`${session.style.foreign(shown)} is in its present form already.\n`);
    return 0;
  }
  if (dryRun) {
    const lines = [`--- ${shown}`, `+++ ${shown}`, ...diffLines(before, text)];
    session.print(`${lines.map((line) => paint(line, session.style)).join('\n')}\n`);
    return 0;
  }
  session.print(`Moved to the top level of ${session.style.foreign(shown)}: ${moved.join(', ')}.\n`);
  return 0;
}

function paint(line: string, style: Style): string {
  const words = style.foreign(line);
  if (line.startsWith('@@')) return style.dim(words);
  if (/^(---|\+\+\+) /.test(line)) return style.bold(words);
  if (line.startsWith('+')) return style.green(words);
  return line.startsWith('-') ? style.red(words) : words;
}
