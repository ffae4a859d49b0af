import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { projectIdOf } from '#core/config/project-paths.ts';
import type { Layout } from '../store/layout.ts';
import { readOrSetAside } from '../store/settings.ts';
import { writeAtomic } from '../store/write-atomic.ts';

/** The folders that a person trusts, each by its real path. */
export interface TrustedFolders {
  readonly has: (dir: string) => Promise<boolean>;
  /** The file that says so. */
  readonly pathOf: (dir: string) => string;
  readonly add: (dir: string) => Promise<void>;
  readonly remove: (dir: string) => Promise<void>;
}

const entrySchema = z.object({ dir: z.string(), trustedAt: z.string() });

/** The folders listed in `layout.trustDir`: a file for each, so that two processes that add one lose none. */
export function createTrustedFolders(layout: Layout, log: (line: string) => void): TrustedFolders {
  const pathOf = (dir: string) => join(layout.trustDir, `${projectIdOf(dir)}.json`);
  return {
    pathOf,
    // The name of the file is a short digest: the path in it decides.
    has: async (dir) => (await readOrSetAside(pathOf(dir), entrySchema, log))?.dir === dir,
    add: async (dir) => {
      await layout.ensure(layout.trustDir);
      const entry = { dir, trustedAt: new Date().toISOString() };
      await writeAtomic(pathOf(dir), JSON.stringify(entry), { durable: false });
    },
    remove: (dir) => rm(pathOf(dir), { force: true }),
  };
}
