import { rename } from 'node:fs/promises';
import { z } from 'zod';
import type { Layout } from './layout.ts';
import { readJson } from './read-json.ts';
import { undefinedIfMissing, writeAtomic } from './write-atomic.ts';

/** Any JSON under names, kept for the next start. */
export type SettingValues = Record<string, z.output<ReturnType<typeof z.json>>>;

export interface Settings {
  readonly get: () => Promise<SettingValues>;
  /** Replaces the named keys, keeps the rest. Errors: DISK_FULL, STORE_UNUSABLE. */
  readonly set: (values: SettingValues) => Promise<void>;
}

const settingsFileSchema = z.record(z.string(), z.json());

/** The settings in `layout.settingsPath`. A file that cannot be understood is set aside, and settings begin anew. */
export function createSettings(layout: Layout, log: (line: string) => void = () => undefined): Settings {
  let last: Promise<unknown> = Promise.resolve();
  const get = () => readOrSetAside(layout.settingsPath, settingsFileSchema, log).then((values) => values ?? {});
  return {
    get,
    set: (values) => {
      const next = last.then(async () => {
        await layout.ensure(layout.dataDir);
        const merged = { ...(await get()), ...values };
        await writeAtomic(layout.settingsPath, `${JSON.stringify(merged, null, 2)}\n`);
      });
      // The one after must not fail for this one's reason.
      last = next.catch(() => undefined);
      return next;
    },
  };
}

/** What a small file of ours says; when it cannot be understood it is moved beside itself, and undefined comes back. */
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
