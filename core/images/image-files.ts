/** Images on disk: a folder named by the id, which appears whole or not at all. */
import { chmod, mkdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { problemSchema } from '#shared/model/problem.ts';
import { runtimeIdSchema } from '#shared/model/project.ts';
import { bundleIdSchema, bytesSchema, type ImageId, imageIdSchema } from '#shared/model/units.ts';
import { type Layout, readableFileMode } from '../store/layout.ts';
import { createOwnedTemps } from '../store/owned-temps.ts';
import { readJson } from '../store/read-json.ts';
import { systemCode, toStoreError } from '../store/store-error.ts';
import { isTempName, namesIn, undefinedIfMissing, writeAtomic } from '../store/write-atomic.ts';

const manifestSchema = z.object({
  version: z.literal(1),
  id: imageIdSchema,
  bundleId: bundleIdSchema,
  runtime: runtimeIdSchema,
  bytes: bytesSchema,
  minMemoryMiB: z.number().int(),
  /** The base that it stands on, by its digest. */
  base: z.string().optional(),
  /** What its runtime noted about it, in a form of its own. */
  runtimeInfo: z.string().optional(),
  /** What its build warned of, beside the bundle's. */
  warnings: z.array(problemSchema).optional(),
  createdAt: z.string(),
});
export type Manifest = z.output<typeof manifestSchema>;

/** An image as it lies there, whole or not. */
export interface StoredImage {
  readonly id: ImageId;
  readonly bytes: number;
  readonly base: string | undefined;
  readonly usedAtMs: number;
}

export interface ImageFiles {
  readonly pathOf: (id: ImageId) => string;
  /** The manifest of a whole image; null when there is none, or when a crash left it short of a byte. */
  readonly find: (id: ImageId) => Promise<Manifest | null>;
  /** Makes an image: `write` fills the file it is given, and answers with the manifest. Errors: DISK_FULL, STORE_UNUSABLE. */
  readonly publish: (id: ImageId, write: (path: string) => Promise<Manifest>) => Promise<Manifest>;
  /** Says that an image is wanted, so that pruning takes it last. */
  readonly touch: (id: ImageId) => Promise<void>;
  /** Oldest use first. */
  readonly list: () => Promise<StoredImage[]>;
  readonly remove: (id: ImageId) => Promise<void>;
}

const imageName = 'image';
const manifestName = 'manifest.json';

/** The image files in `layout.imagesDir`. */
export function createImageFiles(layout: Layout): ImageFiles {
  const { imagesDir } = layout;
  const dirOf = (id: ImageId) => join(imagesDir, id);
  const pathOf = (id: ImageId) => join(dirOf(id), imageName);
  const temps = createOwnedTemps(imagesDir, 'image');
  let swept = false;

  /** Ends what processes left that were killed in the middle of a build. */
  async function sweepOnce(): Promise<void> {
    if (swept) return;
    swept = true;
    for (const path of await temps.abandoned()) await rm(path, { recursive: true, force: true });
  }

  async function find(id: ImageId): Promise<Manifest | null> {
    const manifest = await readJson(join(dirOf(id), manifestName), manifestSchema);
    if (!manifest.ok || manifest.value?.id !== id) return null;
    const file = await stat(pathOf(id)).catch(undefinedIfMissing);
    return file?.size === manifest.value.bytes ? manifest.value : null;
  }

  async function remove(id: ImageId): Promise<void> {
    // Out of sight at once, so that nobody finds it half-removed.
    const temp = temps.newPath();
    const moved = await rename(dirOf(id), temp).then(
      () => true,
      (thrown: unknown) => undefinedIfMissing(thrown) ?? false,
    );
    if (moved) await rm(temp, { recursive: true, force: true });
  }

  /** Moves a finished folder into place; another process may have been first with the same image. */
  async function moveIntoPlace(temp: string, id: ImageId): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await rename(temp, dirOf(id));
      } catch (thrown) {
        const taken = systemCode(thrown) === 'ENOTEMPTY' || systemCode(thrown) === 'EEXIST';
        if (!taken || attempt === 3) throw thrown;
        if ((await find(id)) !== null) return;
        await remove(id);
      }
    }
  }

  return {
    pathOf,
    find,
    remove,

    publish: async (id, write) => {
      await layout.ensure(imagesDir);
      await sweepOnce();
      const temp = temps.newPath();
      try {
        await mkdir(temp);
        await chmod(temp, 0o755);
        const path = join(temp, imageName);
        const manifest = await write(path);
        await chmod(path, readableFileMode);
        await writeAtomic(join(temp, manifestName), JSON.stringify(manifest), { mode: 0o644, durable: false });
        await moveIntoPlace(temp, id);
        return manifest;
      } catch (thrown) {
        throw toStoreError(thrown, 'write the image', dirOf(id));
      } finally {
        await rm(temp, { recursive: true, force: true });
      }
    },

    touch: async (id) => {
      const now = new Date();
      await utimes(join(dirOf(id), manifestName), now, now).catch(undefinedIfMissing);
    },

    list: async () => {
      const found: StoredImage[] = [];
      for (const name of await namesIn(imagesDir)) {
        const id = imageIdSchema.safeParse(name);
        if (isTempName(name) || !id.success) continue;
        const used = await stat(join(dirOf(id.data), manifestName)).catch(undefinedIfMissing);
        const file = await stat(pathOf(id.data)).catch(undefinedIfMissing);
        const { base } = (await find(id.data)) ?? {};
        found.push({ id: id.data, bytes: file?.size ?? 0, base, usedAtMs: used?.mtimeMs ?? 0 });
      }
      return found.sort((a, b) => a.usedAtMs - b.usedAtMs);
    },
  };
}
