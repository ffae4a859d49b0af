/** Images on disk: a folder named by the id, which appears whole or not at all. */
import type { BigIntStats } from 'node:fs';
import { chmod, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { problemSchema } from '#shared/model/problem.ts';
import { runtimeIdSchema } from '#shared/model/project.ts';
import { bundleIdSchema, bytesSchema, type ImageId, imageIdSchema } from '#shared/model/units.ts';
import { digestFile } from '../store/digest.ts';
import { createDirectoryStore } from '../store/directory-store.ts';
import { type Layout, readableFileMode } from '../store/layout.ts';
import { readBootId } from '../store/owner.ts';
import { undefinedIfMissing, writeAtomic } from '../store/write-atomic.ts';

const manifestSchema = z.object({
  version: z.literal(2),
  id: imageIdSchema,
  bundleId: bundleIdSchema,
  runtime: runtimeIdSchema,
  bytes: bytesSchema,
  /** Digest of the whole file, in hex. */
  sha256: z.string(),
  /** The stamp of the file when it was written. */
  stamp: z.string().optional(),
  minMemoryMiB: z.number().int(),
  /** The digest of its base. */
  base: z.string().optional(),
  envAtLoad: z.array(z.string()).optional(),
  argsAtLoad: z.boolean().optional(),
  /** Information for the runtime, in the runtime's own format. */
  runtimeInfo: z.string().optional(),
  /** The warnings of its build, without those of the bundle. */
  warnings: z.array(problemSchema).optional(),
  createdAt: z.string(),
});
export type Manifest = z.output<typeof manifestSchema>;
/** The facts about an image that its writer gives. Without a digest, the file is read for it. */
export type NewManifest = Omit<Manifest, 'version' | 'sha256' | 'stamp'> & { readonly sha256?: string | undefined };

/** An image on disk, whole or not. */
export interface StoredImage {
  readonly id: ImageId;
  readonly bytes: number;
  readonly base: string | undefined;
  readonly usedAtMs: number;
}

export interface ImageFiles {
  readonly pathOf: (id: ImageId) => string;
  /** The manifest of a whole image; null when there is none, or when its content differs from the written one. */
  readonly find: (id: ImageId) => Promise<Manifest | null>;
  /** Makes an image: `write` fills the given file, and returns the manifest. Errors: DISK_FULL, STORE_UNUSABLE. */
  readonly publish: (id: ImageId, write: (path: string) => Promise<NewManifest>) => Promise<Manifest>;
  /** Marks an image as used, so that pruning takes it last. */
  readonly touch: (id: ImageId) => Promise<void>;
  /** Oldest use first. */
  readonly list: () => Promise<StoredImage[]>;
  readonly remove: (id: ImageId) => Promise<void>;
}

const imageName = 'image';
const manifestName = 'manifest.json';
/** The stamp of the image when its digest was last verified, where it is no longer the one of its manifest. */
const checkedName = 'checked';

/** The image files in `layout.imagesDir`. */
export function createImageFiles(layout: Layout): ImageFiles {
  const store = createDirectoryStore({
    layout,
    root: layout.imagesDir,
    kind: 'image',
    manifestName,
    schema: manifestSchema,
    isName: (name) => imageIdSchema.safeParse(name).success,
    isWhole: async (dir, { id, bytes, sha256, stamp: written }, name) => {
      const path = join(dir, imageName);
      const stamp = await stampOfImage(path);
      if (id !== name || stamp?.bytes !== bytes) return false;
      if (stamp.text === written) return true;
      if ((await readFile(join(dir, checkedName), 'utf8').catch(undefinedIfMissing)) === stamp.text) return true;
      if ((await digestFile(path)).sha256 !== sha256) return false;
      await writeAtomic(join(dir, checkedName), stamp.text, { durable: false });
      return true;
    },
  });
  const pathOf = (id: ImageId) => join(store.dirOf(id), imageName);

  return {
    pathOf,
    find: store.find,
    touch: store.touch,
    remove: async (id) => void (await store.remove(id)),

    publish: async (id, write) =>
      await store.withTemp(async (temp) => {
        const path = join(temp, imageName);
        const made = await write(path);
        let stamp = await stampOfImage(path);
        if (stamp?.mode !== readableFileMode) {
          await chmod(path, readableFileMode);
          stamp = await stampOfImage(path);
        }
        const sha256 = made.sha256 ?? (await digestFile(path)).sha256;
        const manifest: Manifest = { version: 2, ...made, sha256, stamp: stamp?.text };
        await store.publish(temp, id, manifest);
        return manifest;
      }),

    list: async () => {
      const found: StoredImage[] = [];
      for (const name of await store.names()) {
        const id = imageIdSchema.parse(name);
        const file = await stat(pathOf(id)).catch(undefinedIfMissing);
        const { base } = (await store.find(id)) ?? {};
        found.push({ id, bytes: file?.size ?? 0, base, usedAtMs: (await store.usedAtMs(id)) ?? 0 });
      }
      return found.sort((a, b) => a.usedAtMs - b.usedAtMs);
    },
  };
}

interface Stamp {
  readonly bytes: number;
  readonly mode: number;
  readonly text: string;
}

/**
 * A stamp that changes whenever the content of a file may have: no program can set the time of its change (ctime), and
 * a crash of the machine, which may leave a file of zeros, comes with another boot.
 */
export async function stampOf(path: string): Promise<Stamp | null> {
  return await readStamp(path, ({ mtimeNs, ctimeNs }) => `${mtimeNs} ${ctimeNs}`);
}

/** A stamp of an image, without the time of its change: each link into a jail moves that, and nobody there can write it. */
async function stampOfImage(path: string): Promise<Stamp | null> {
  return await readStamp(path, ({ mtimeNs }) => String(mtimeNs));
}

async function readStamp(path: string, timesOf: (found: BigIntStats) => string): Promise<Stamp | null> {
  const found = await stat(path, { bigint: true }).catch(undefinedIfMissing);
  if (found === undefined) return null;
  const { ino, size, mode } = found;
  const text = `${readBootId()} ${ino} ${size} ${timesOf(found)}`;
  return { bytes: Number(size), mode: Number(mode) & 0o777, text };
}
