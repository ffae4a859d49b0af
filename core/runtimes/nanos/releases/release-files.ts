/** Releases on disk: a folder named by the version, which appears whole or not at all. */
import { chmod, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { nanosReleaseSchema, nanosVersionSchema } from '#shared/model/nanos.ts';
import { type Layout, readableFileMode } from '../../../store/layout.ts';
import { createOwnedTemps } from '../../../store/owned-temps.ts';
import { readJson } from '../../../store/read-json.ts';
import { systemCode, toStoreError } from '../../../store/store-error.ts';
import { namesIn, undefinedIfMissing, writeAtomic } from '../../../store/write-atomic.ts';

const manifestSchema = z.object({
  format: z.literal(1),
  ...nanosReleaseSchema.pick({ version: true, source: true, installedAt: true, digest: true }).shape,
  /** Paths in the release's folder. Units: bytes. */
  files: z.record(z.string(), z.number().int().nonnegative()),
});
export type ReleaseManifest = z.output<typeof manifestSchema>;

export interface ReleaseFiles {
  readonly dirOf: (version: string) => string;
  /** The manifest of a whole release; null when there is none, or when a crash left it short of a byte. */
  readonly find: (version: string) => Promise<ReleaseManifest | null>;
  /** The newest first. */
  readonly list: () => Promise<ReleaseManifest[]>;
  /** Works in a folder of its own that is gone afterwards, whatever comes of it. Errors: DISK_FULL, STORE_UNUSABLE. */
  readonly withTemp: <Result>(work: (dir: string) => Promise<Result>) => Promise<Result>;
  /** Makes the release of the folder `from`, and answers with what is there then: another may have been first. */
  readonly publish: (from: string, manifest: ReleaseManifest) => Promise<ReleaseManifest>;
  /** False when it was not there. */
  readonly remove: (version: string) => Promise<boolean>;
}

export interface ReleaseFilesOptions {
  readonly layout: Layout;
  /** Saves what is worth it of a folder that a killed process left. */
  readonly onAbandoned: (dir: string) => Promise<void>;
}

const manifestName = 'release.json';

/** The releases in `layout.nanosDir`. */
export function createReleaseFiles({ layout, onAbandoned }: ReleaseFilesOptions): ReleaseFiles {
  const { nanosDir } = layout;
  const temps = createOwnedTemps(nanosDir, 'nanos');
  const dirOf = (version: string) => join(nanosDir, version);
  let swept = false;

  async function sweepOnce(): Promise<void> {
    if (swept) return;
    swept = true;
    for (const dir of await temps.abandoned()) {
      await onAbandoned(dir);
      await rm(dir, { recursive: true, force: true });
    }
  }

  async function find(version: string): Promise<ReleaseManifest | null> {
    const manifest = await readJson(join(dirOf(version), manifestName), manifestSchema);
    if (!manifest.ok || manifest.value?.version !== version) return null;
    for (const [path, bytes] of Object.entries(manifest.value.files)) {
      const file = await stat(join(dirOf(version), path)).catch(undefinedIfMissing);
      if (file?.size !== bytes) return null;
    }
    return manifest.value;
  }

  async function remove(version: string): Promise<boolean> {
    // Out of sight at once, so that nobody finds it half-removed.
    const temp = temps.newPath();
    try {
      await rename(dirOf(version), temp);
    } catch (thrown) {
      if (systemCode(thrown) === 'ENOENT') return false;
      throw toStoreError(thrown, 'remove', dirOf(version));
    }
    await rm(temp, { recursive: true, force: true });
    return true;
  }

  async function publish(from: string, manifest: ReleaseManifest): Promise<ReleaseManifest> {
    const { version } = manifest;
    await makeReadable(from);
    await writeAtomic(join(from, manifestName), JSON.stringify(manifest), { mode: readableFileMode, durable: false });
    for (let attempt = 0; ; attempt++) {
      try {
        await rename(from, dirOf(version));
        return manifest;
      } catch (thrown) {
        const taken = systemCode(thrown) === 'ENOTEMPTY' || systemCode(thrown) === 'EEXIST';
        if (!taken || attempt === 3) throw toStoreError(thrown, 'install', dirOf(version));
      }
      const there = await find(version);
      if (there !== null) return there;
      await remove(version);
    }
  }

  return {
    dirOf,
    find,
    publish,
    remove,

    list: async () => {
      const found: ReleaseManifest[] = [];
      for (const name of await namesIn(nanosDir)) {
        const manifest = nanosVersionSchema.safeParse(name).success ? await find(name) : null;
        if (manifest !== null) found.push(manifest);
      }
      return found.sort((a, b) => b.installedAt.localeCompare(a.installedAt) || a.version.localeCompare(b.version));
    },

    withTemp: async (work) => {
      await layout.ensure(nanosDir);
      await sweepOnce();
      const temp = temps.newPath();
      try {
        await mkdir(temp, { mode: 0o700 });
        return await work(temp);
      } catch (thrown) {
        const isOfSystem = /^E[A-Z0-9]+$/.test(systemCode(thrown) ?? '');
        throw isOfSystem ? toStoreError(thrown, 'install into', nanosDir) : thrown;
      } finally {
        await rm(temp, { recursive: true, force: true });
      }
    },
  };
}

/** Lets QEMU's user read what was unpacked, and nobody but its owner change it. */
async function makeReadable(dir: string): Promise<void> {
  await chmod(dir, 0o755);
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) await makeReadable(path);
    else await chmod(path, readableFileMode);
  }
}
