/** Releases on disk: a folder named by the version, which appears whole or not at all. */
import { chmod, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { kernelReleaseSchema, kernelVersionSchema } from '#shared/model/kernel.ts';
import { createDirectoryStore } from '../../../store/directory-store.ts';
import { type Layout, readableFileMode } from '../../../store/layout.ts';
import { undefinedIfMissing } from '../../../store/write-atomic.ts';

const manifestSchema = z.object({
  format: z.literal(1),
  ...kernelReleaseSchema.pick({ version: true, source: true, installedAt: true, digest: true }).shape,
  /** Paths in the release's folder. Units: bytes. */
  files: z.record(z.string(), z.number().int().nonnegative()),
});
export type ReleaseManifest = z.output<typeof manifestSchema>;

export interface ReleaseFiles {
  readonly dirOf: (version: string) => string;
  /** The manifest of a whole release; null when there is none, or when a crash left it incomplete. */
  readonly find: (version: string) => Promise<ReleaseManifest | null>;
  /** The newest first. */
  readonly list: () => Promise<ReleaseManifest[]>;
  /** Works in a separate folder that is removed afterwards, also after a failure. Errors: DISK_FULL, STORE_UNUSABLE. */
  readonly withTemp: <Result>(work: (dir: string) => Promise<Result>) => Promise<Result>;
  /**
   * Makes the release from the folder `from`, and returns the one then on disk: another process may have been first.
   */
  readonly publish: (from: string, manifest: ReleaseManifest) => Promise<ReleaseManifest>;
  /** False when it was missing. */
  readonly remove: (version: string) => Promise<boolean>;
}

export interface ReleaseFilesOptions {
  readonly layout: Layout;
  /** Saves the useful parts of a folder that a killed process left. */
  readonly onAbandoned: (dir: string) => Promise<void>;
}

const manifestName = 'release.json';

/** The releases in `layout.runtimeDir('nanos')`. */
export function createReleaseFiles({ layout, onAbandoned }: ReleaseFilesOptions): ReleaseFiles {
  const { dirOf, find, names, publish, remove, withTemp } = createDirectoryStore({
    layout,
    root: layout.runtimeDir('nanos'),
    kind: 'release',
    manifestName,
    schema: manifestSchema,
    isName: (name) => kernelVersionSchema.safeParse(name).success,
    isWhole: async (dir, { version, files }, name) => {
      for (const [path, bytes] of Object.entries(files)) {
        const file = await stat(join(dir, path)).catch(undefinedIfMissing);
        if (file?.size !== bytes) return false;
      }
      return version === name;
    },
    onAbandoned,
  });

  return {
    dirOf,
    find,
    remove,
    withTemp,

    publish: async (from, manifest) => {
      await makeReadable(from);
      return await publish(from, manifest.version, manifest);
    },

    list: async () => {
      const found: ReleaseManifest[] = [];
      for (const name of await names()) {
        const manifest = await find(name);
        if (manifest !== null) found.push(manifest);
      }
      return found.sort((a, b) => b.installedAt.localeCompare(a.installedAt) || a.version.localeCompare(b.version));
    },
  };
}

/** Lets QEMU's user read the unpacked files, and only their owner change them. */
async function makeReadable(dir: string): Promise<void> {
  await chmod(dir, 0o755);
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) await makeReadable(path);
    else await chmod(path, readableFileMode);
  }
}
