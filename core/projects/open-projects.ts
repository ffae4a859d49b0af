import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { ProjectId } from '#shared/model/units.ts';
import type { Layout } from '../store/layout.ts';
import { readOrSetAside } from '../store/settings.ts';
import { namesIn, writeAtomic } from '../store/write-atomic.ts';

/**
 * The list of open projects, kept for the next start. Shape: directories, in the order in which they were opened.
 *
 * One file for each, so that two processes that open projects at the same time lose none.
 */
export interface OpenProjects {
  readonly list: () => Promise<string[]>;
  /** The file that lists a project. */
  readonly pathOf: (id: ProjectId) => string;
  readonly find: (id: ProjectId) => Promise<string | undefined>;
  /** False when it was listed already. */
  readonly add: (id: ProjectId, dir: string) => Promise<boolean>;
  /** False when it was not listed. */
  readonly remove: (id: ProjectId) => Promise<boolean>;
}

const entrySchema = z.object({ dir: z.string(), openedAt: z.string() });

/** The list in `layout.openProjectsDir`. */
export function createOpenProjects(layout: Layout, log: (line: string) => void): OpenProjects {
  const pathOf = (id: string) => join(layout.openProjectsDir, `${id}.json`);
  const read = (id: string) => readOrSetAside(pathOf(id), entrySchema, log);
  return {
    pathOf,
    list: async () => {
      const entries: z.output<typeof entrySchema>[] = [];
      for (const name of await namesIn(layout.openProjectsDir)) {
        const entry = name.endsWith('.json') ? await read(name.slice(0, -'.json'.length)) : undefined;
        if (entry !== undefined) entries.push(entry);
      }
      entries.sort((a, b) => (a.openedAt < b.openedAt ? -1 : 1));
      return entries.map((entry) => entry.dir);
    },
    find: async (id) => (await read(id))?.dir,
    add: async (id, dir) => {
      if ((await read(id)) !== undefined) return false;
      await layout.ensure(layout.openProjectsDir);
      await writeAtomic(pathOf(id), JSON.stringify({ dir, openedAt: new Date().toISOString() }), { durable: false });
      return true;
    },
    remove: async (id) => {
      if ((await read(id)) === undefined) return false;
      await rm(pathOf(id), { force: true });
      return true;
    },
  };
}
