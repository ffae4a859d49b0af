import type { Layout } from './layout.ts';
import { removeTemps } from './write-atomic.ts';

/** The folders whose files are written beside their names and renamed. Images, bases, releases and runs have sweeps of their own. */
const writtenInto = ['buildsDir', 'bundlesDir', 'probesDir', 'kernelsDir', 'openProjectsDir'] as const;

/**
 * Removes what killed processes left half-written in the folders that nothing else sweeps. Younger files than a minute stay,
 * since another process may be writing them. Shape: how many.
 */
export async function sweepTemps(layout: Pick<Layout, (typeof writtenInto)[number]>): Promise<number> {
  const removed = await Promise.all(writtenInto.map((dir) => removeTemps(layout[dir])));
  return removed.reduce((sum, count) => sum + count, 0);
}
