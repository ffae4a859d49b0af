import { realpath, rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { FirstlightError } from '#shared/errors.ts';
import { createQueue } from '#shared/queue.ts';
import type { Layout } from './layout.ts';
import { withProcessLock } from './process-lock.ts';
import { readJson } from './read-json.ts';
import { undefinedIfMissing, writeAtomic } from './write-atomic.ts';

/** JSON values by name, kept for the next start. */
export type SettingValues = Record<string, z.output<ReturnType<typeof z.json>>>;

export interface Settings {
  /** The file that contains them. */
  readonly path: string;
  readonly get: () => Promise<SettingValues>;
  /** Replaces the named keys, keeps the rest. Errors: DISK_FULL, STORE_UNUSABLE. */
  readonly set: (values: SettingValues) => Promise<void>;
  /**
   * As `set`, with values made of the present ones. No other process writes in between.
   *
   * Errors: those of `change` too; nothing is written then.
   */
  readonly update: (change: (present: SettingValues) => SettingValues) => Promise<void>;
}

const settingsFileSchema = z.record(z.string(), z.json());

/**
 * The settings in `layout.settingsPath`, shared by all processes. People edit that file: while it is not valid it counts
 * as empty, and is never written.
 */
export function createSettings(layout: Layout, log: (line: string) => void = () => undefined): Settings {
  const { settingsPath } = layout;
  const queue = createQueue();
  const get = async () => {
    const found = await readJson(settingsPath, settingsFileSchema);
    if (found.ok) return found.value ?? {};
    log(`The settings in ${settingsPath} are not used. ${found.reason}`);
    return {};
  };
  // In the order of the calls: the last of two values of a key is the one that stays.
  const update: Settings['update'] = (change) =>
    queue(async () => {
      // A home may be reached by several paths; the lock must be the same.
      const dir = await realpath(await layout.ensure(layout.dataDir));
      await withProcessLock(join(dir, basename(settingsPath)), async () => {
        const present = await readOrRefuse(settingsPath, settingsFileSchema, 'The settings');
        await writeAtomic(settingsPath, `${JSON.stringify({ ...present, ...change(present ?? {}) }, null, 2)}\n`);
      });
    });
  return { path: settingsPath, get, update, set: (values) => update(() => values) };
}

/**
 * The content of a small file that a person may have edited; undefined when there is none.
 *
 * Errors: STORE_UNUSABLE for an invalid one, which stays as it is.
 */
export async function readOrRefuse<Schema extends z.ZodType>(
  path: string,
  schema: Schema,
  what: string,
): Promise<z.output<Schema> | undefined> {
  const found = await readJson(path, schema);
  if (found.ok) return found.value;
  throw new FirstlightError('STORE_UNUSABLE', `${what} in ${path} cannot be used. ${found.reason}`, {
    hint: 'Correct that file, or move it away. Nothing was changed.',
  });
}

/** The content of a small file of ours. An invalid one is renamed, and counts as absent. */
export async function readOrSetAside<Schema extends z.ZodType>(
  path: string,
  schema: Schema,
  log: (line: string) => void,
): Promise<z.output<Schema> | undefined> {
  const found = await readJson(path, schema);
  if (found.ok) return found.value;
  const movedTo = `${path}.broken-${Date.now().toString(36)}`;
  await rename(path, movedTo).catch(undefinedIfMissing);
  log(`Set aside ${path}: ${found.reason} It is now ${movedTo}.`);
  return undefined;
}
