import { join } from 'node:path';
import { z } from 'zod';
import { kernelVersionSchema } from '#shared/model/kernel.ts';
import type { Layout } from '../../../store/layout.ts';
import { readOrSetAside } from '../../../store/settings.ts';
import { writeAtomic } from '../../../store/write-atomic.ts';

/** The release in use, kept for the next start. */
export interface InUse {
  readonly get: () => Promise<string | null>;
  readonly set: (version: string | null) => Promise<void>;
}

const inUseSchema = z.object({ version: kernelVersionSchema.nullable() });

/** A separate file in the data folder: a concurrent change of other settings is not lost. */
export function createInUse(layout: Layout, log: (line: string) => void): InUse {
  const path = join(layout.dataDir, 'nanos-in-use.json');
  return {
    get: async () => (await readOrSetAside(path, inUseSchema, log))?.version ?? null,
    set: async (version) => {
      await layout.ensure(layout.dataDir);
      await writeAtomic(path, JSON.stringify({ version }));
    },
  };
}
