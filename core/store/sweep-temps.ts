import type { Layout } from './layout.ts';
import { removeTemps } from './write-atomic.ts';

/**
 * The folders whose files are written beside their names and renamed. Images, bases, releases and runs have their own
 * sweeps.
 */
const writtenInto = ['buildsDir', 'bundlesDir', 'probesDir', 'kernelsDir', 'openProjectsDir'] as const;

/**
 * Removes half-written files of killed processes in the folders without another sweep. Files younger than a minute
 * stay, since another process may be writing them. Shape: the number of removed files.
 */
export async function sweepTemps(layout: Pick<Layout, (typeof writtenInto)[number]>): Promise<number> {
  const removed = await Promise.all(writtenInto.map((dir) => removeTemps(layout[dir])));
  return removed.reduce((sum, count) => sum + count, 0);
}
