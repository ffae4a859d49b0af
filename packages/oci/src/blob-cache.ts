/** Layers of images, unpacked once, by digest. The whole cache can be made again. */
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createDirectoryStore,
  namesIn,
  removeTemps,
  replaceFile,
  tempPathFor,
  undefinedIfMissing,
  writeFailed,
} from '@firstlight/files';
import {
  type Bytes,
  decompress,
  defaultTarLimits,
  TarError,
  type Unpacked,
  unpackedSchema,
  unpackTar,
} from '@firstlight/tar';
import { z } from 'zod';
import type { LayerSource } from './image-parts.ts';
import { digestOf, verifyStream } from './verify.ts';

/** A layer on this disk. Shape: `dir` has the contents that `entries` names; `skipped` are sentences. */
export interface Layer {
  readonly dir: string;
  readonly entries: Unpacked;
  readonly skipped: readonly string[];
  /** True when this call unpacked it. */
  readonly isNew: boolean;
}

export interface BlobCache {
  /**
   * The layer, unpacked now if it is not in the cache. Errors: `digest-mismatch`; as `unpackTar`; the cache then keeps
   * nothing.
   */
  readonly layer: (source: LayerSource, what: string, signal?: AbortSignal) => Promise<Layer>;
  /** A cached document by its digest, or null. */
  readonly document: (digest: string) => Promise<Uint8Array | null>;
  readonly keepDocument: (digest: string, bytes: Uint8Array) => Promise<void>;
  /** A new folder inside this cache, which the caller removes. */
  readonly makeTempDir: () => Promise<string>;
  /** Drops the least recently used entries until the rest is under `maxBytes`; entries used within the hour stay. */
  readonly prune: (maxBytes: number) => Promise<void>;
}

const layerSchema = z.object({ entries: unpackedSchema, skipped: z.array(z.string()) });
/** The most files that a report names one by one. */
const maxSkipped = 100;
/** A build of another process may be reading it. */
const inUseMs = 3_600_000;

/** The folder of a cache. Shape: `prepare` makes the folder before the first write; default: `mkdir`. */
export interface BlobCacheOptions {
  readonly dir: string;
  readonly prepare?: () => Promise<unknown>;
}

/** The cache in a folder, which several processes may share. */
export function createBlobCache({
  dir: cacheDir,
  prepare = () => mkdir(cacheDir, { recursive: true, mode: 0o700 }),
}: BlobCacheOptions): BlobCache {
  const layers = createDirectoryStore({
    root: cacheDir,
    prepare,
    kind: 'layer',
    manifestName: 'layer.json',
    parse: (json) => layerSchema.safeParse(json).data,
    isName: (name) => /^[0-9a-f]{64}$/.test(name),
    isWhole: async () => true,
  });
  const nameOf = (digest: string) => digest.replace('sha256:', '');
  const documentOf = (digest: string) => join(cacheDir, `${nameOf(digest)}.json`);

  async function unpack(source: LayerSource, what: string, signal?: AbortSignal): Promise<Layer> {
    const name = nameOf(source.digest);
    const dir = layers.dirOf(name);
    const known = await layers.find(name);
    if (known !== null) {
      await layers.touch(name);
      return { dir, ...known, isNew: false };
    }
    return await layers.withTemp(async (temp) => {
      const skipped: string[] = [];
      const onSkipped = (why: string) => {
        if (skipped.length < maxSkipped) skipped.push(why);
      };
      const entries = await unpackVerified(source, temp, { archive: what, signal, onSkipped });
      return { dir, ...(await layers.publish(temp, name, { entries, skipped })), isNew: true };
    });
  }

  return {
    layer: unpack,

    document: async (digest) => {
      const bytes = await readFile(documentOf(digest)).catch(undefinedIfMissing);
      return bytes !== undefined && digestOf(bytes) === digest ? bytes : null;
    },

    keepDocument: async (digest, bytes) => {
      await prepare();
      await replaceFile(documentOf(digest), bytes, { durable: false }).catch((thrown: unknown) => {
        throw writeFailed(thrown, documentOf(digest));
      });
    },

    makeTempDir: async () => {
      await prepare();
      const dir = tempPathFor(join(cacheDir, 'archive'));
      await mkdir(dir, { mode: 0o700 }).catch((thrown: unknown) => {
        throw writeFailed(thrown, dir, 'make the folder');
      });
      return dir;
    },

    prune: async (maxBytes) => {
      const known: { usedAtMs: number; bytes: number; remove: () => Promise<unknown> }[] = [];
      for (const name of await layers.names()) {
        const usedAtMs = (await layers.usedAtMs(name)) ?? 0;
        known.push({ usedAtMs, bytes: await bytesIn(layers.dirOf(name)), remove: () => layers.remove(name) });
      }
      for (const name of await namesIn(cacheDir)) {
        const path = join(cacheDir, name);
        const found = isDocumentName(name) ? await stat(path).catch(undefinedIfMissing) : undefined;
        if (found === undefined) continue;
        known.push({ usedAtMs: found.mtimeMs, bytes: found.size, remove: () => rm(path, { force: true }) });
      }
      known.sort((a, b) => b.usedAtMs - a.usedAtMs);
      let total = 0;
      for (const { usedAtMs, bytes, remove } of known) {
        total += bytes;
        if (total > maxBytes && Date.now() - usedAtMs > inUseMs) await remove();
      }
      await removeTemps(cacheDir, inUseMs);
    },
  };
}

const isDocumentName = (name: string) => /^[0-9a-f]{64}\.json$/.test(name);

/** The size of all files of a folder without subfolders. */
async function bytesIn(dir: string): Promise<number> {
  let total = 0;
  for (const name of (await readdir(dir).catch(undefinedIfMissing)) ?? []) {
    total += (await stat(join(dir, name)).catch(undefinedIfMissing))?.size ?? 0;
  }
  return total;
}

type UnpackOptions = Parameters<typeof unpackTar>[2];

/** Unpacks a layer while its digest is taken. Errors: `digest-mismatch` before any other fault of the bytes: it is their cause. */
async function unpackVerified(source: LayerSource, dir: string, options: UnpackOptions): Promise<Unpacked> {
  const { digest, size, digestOf: of } = source;
  const raw = await source.open();
  const checked: Bytes = of === 'content' ? decompress(raw, options.archive, defaultTarLimits) : raw;
  const verifier = verifyStream(checked, digest, size, `The layer ${digest.slice(0, 19)}… of ${options.archive}`);
  try {
    const entries = await unpackTar(verifier.chunks, dir, options);
    await verifier.finish();
    return entries;
  } catch (thrown) {
    if (thrown instanceof TarError && thrown.reason === 'invalid') await verifier.finish();
    throw thrown;
  } finally {
    await verifier.close();
  }
}
