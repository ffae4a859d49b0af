import { realpath } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import type { Layout } from '#core/store/layout.ts';
import { withProcessLock } from '#core/store/process-lock.ts';
import { readOrRefuse } from '#core/store/settings.ts';
import { writeAtomic } from '#core/store/write-atomic.ts';
import { FirstlightError } from '#shared/errors.ts';
import { type Target, targetSchema } from '#shared/model/deploy.ts';

const fileSchema = z.object({ version: z.literal(1), targets: z.array(targetSchema) });

/** The clusters and hosts that a person deploys to. None contains a credential. Errors: STORE_UNUSABLE for all. */
export interface Targets {
  readonly list: () => Promise<readonly Target[]>;
  /** Errors: NOT_FOUND with the targets there are. */
  readonly get: (name: string) => Promise<Target>;
  /** Errors: ALREADY_EXISTS; DISK_FULL, STORE_UNUSABLE. */
  readonly add: (target: Target) => Promise<void>;
  /** Errors: NOT_FOUND; DISK_FULL, STORE_UNUSABLE. */
  readonly remove: (name: string) => Promise<void>;
}

/** The targets in `layout.targetsPath`, shared by all processes. */
export function createTargets(layout: Layout): Targets {
  const { targetsPath } = layout;
  const list = async () => (await readOrRefuse(targetsPath, fileSchema, 'The targets'))?.targets ?? [];

  function notFound(name: string, known: readonly Target[]): FirstlightError {
    const names = known.map((target) => target.name).join(', ');
    return new FirstlightError('NOT_FOUND', `There is no target "${name}".`, {
      hint:
        names === ''
          ? 'Make one: firstlight target add NAME --registry HOST/PATH, or --libvirt URI'
          : `There are: ${names}`,
      details: { subject: name },
    });
  }

  async function change(edit: (targets: readonly Target[]) => readonly Target[]): Promise<void> {
    const dir = await realpath(await layout.ensure(layout.dataDir));
    await withProcessLock(join(dir, basename(targetsPath)), async () => {
      const targets = [...edit(await list())].sort((a, b) => a.name.localeCompare(b.name));
      await writeAtomic(targetsPath, `${JSON.stringify({ version: 1, targets }, null, 2)}\n`);
    });
  }

  return {
    list,
    get: async (name) => {
      const targets = await list();
      const found = targets.find((target) => target.name === name);
      if (found === undefined) throw notFound(name, targets);
      return found;
    },
    add: (target) =>
      change((targets) => {
        if (targets.some(({ name }) => name === target.name)) {
          throw new FirstlightError('ALREADY_EXISTS', `There is a target "${target.name}" already.`, {
            hint: `Remove it first: firstlight target rm ${target.name}`,
          });
        }
        return [...targets, target];
      }),
    remove: (name) =>
      change((targets) => {
        if (!targets.some((target) => target.name === name)) throw notFound(name, targets);
        return targets.filter((target) => target.name !== name);
      }),
  };
}
