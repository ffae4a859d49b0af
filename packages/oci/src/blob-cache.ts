/** Layers of images, unpacked once, by digest. Everything here can be made again. */
import { mkdir, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import {
  isTempName,
  namesIn,
  removeTemps,
  replaceFile,
  systemCode,
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

/** A layer on this disk. Shape: `dir` holds the contents that `entries` names; `skipped` are sentences. */
export interface Layer {
  readonly dir: string;
  readonly entries: Unpacked;
  readonly skipped: readonly string[];
  /** True when it was unpacked just now. */
  readonly isNew: boolean;
}

export interface BlobCache {
  /**
   * The layer, unpacked now if it never was. Errors: `digest-mismatch`; as `unpackTar`; nothing is kept then.
   */
  readonly layer: (source: LayerSource, what: string, signal?: AbortSignal) => Promise<Layer>;
  /** A document that was kept by its digest, or null. */
  readonly document: (digest: string) => Promise<Uint8Array | null>;
  readonly keepDocument: (digest: string, bytes: Uint8Array) => Promise<void>;
  /** A new folder of this cache's own, for the caller to remove. */
  readonly makeTempDir: () => Promise<string>;
  /** Drops what was not used for longest until the rest is under `maxBytes`; what was used within the hour stays. */
  readonly prune: (maxBytes: number) => Promise<void>;
}

const layerFileName = 'layer.json';
const layerSchema = z.object({ entries: unpackedSchema, skipped: z.array(z.string()) });
/** The most files that a report names one by one. */
const maxSkipped = 100;
/** A build of another process may be reading it. */
const inUseMs = 3_600_000;

/** Where a cache is, and who makes that folder. Shape: `prepare` is called before anything is written; default: `mkdir`. */
export interface BlobCacheOptions {
  readonly dir: string;
  readonly prepare?: () => Promise<unknown>;
}

/** The cache in a folder, which several processes may share. */
export function createBlobCache({
  dir: cacheDir,
  prepare = () => mkdir(cacheDir, { recursive: true, mode: 0o700 }),
}: BlobCacheOptions): BlobCache {
  const pathOf = (digest: string) => join(cacheDir, digest.replace('sha256:', ''));
  const documentOf = (digest: string) => `${pathOf(digest)}.json`;
  async function load(dir: string): Promise<Layer | null> {
    const found = await readLayerFile(join(dir, layerFileName));
    if (found === null) return null;
    await utimes(dir, new Date(), new Date()).catch(undefinedIfMissing);
    return { dir, ...found, isNew: false };
  }

  async function unpack(source: LayerSource, what: string, signal?: AbortSignal): Promise<Layer> {
    const dir = pathOf(source.digest);
    const known = await load(dir);
    if (known !== null) return known;
    await prepare();
    const temp = tempPathFor(dir);
    try {
      await mkdir(temp, { mode: 0o700 });
      const skipped: string[] = [];
      const onSkipped = (why: string) => {
        if (skipped.length < maxSkipped) skipped.push(why);
      };
      const entries = await unpackVerified(source, temp, { archive: what, signal, onSkipped });
      await replaceFile(join(temp, layerFileName), JSON.stringify({ entries, skipped }), { durable: false });
      return await settle(temp, dir, { dir, entries, skipped, isNew: true });
    } catch (thrown) {
      await rm(temp, { recursive: true, force: true });
      throw writeFailed(thrown, dir, 'keep the layer');
    }
  }

  /** Puts a layer in its place, unless another process was quicker. */
  async function settle(temp: string, dir: string, made: Layer): Promise<Layer> {
    for (let tries = 0; ; tries++) {
      try {
        await rename(temp, dir);
        return made;
      } catch (thrown) {
        const code = systemCode(thrown);
        if (tries > 0 || (code !== 'ENOTEMPTY' && code !== 'EEXIST')) throw thrown;
        const theirs = await load(dir);
        await rm(theirs === null ? dir : temp, { recursive: true, force: true });
        if (theirs !== null) return theirs;
      }
    }
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
      const known: { path: string; mtimeMs: number; bytes: number }[] = [];
      for (const name of await namesIn(cacheDir)) {
        const path = join(cacheDir, name);
        const found = isTempName(name) ? undefined : await stat(path).catch(undefinedIfMissing);
        if (found !== undefined) known.push({ path, mtimeMs: found.mtimeMs, bytes: await bytesOf(path) });
      }
      known.sort((a, b) => b.mtimeMs - a.mtimeMs);
      let total = 0;
      for (const { path, mtimeMs, bytes } of known) {
        total += bytes;
        if (total > maxBytes && Date.now() - mtimeMs > inUseMs) await rm(path, { recursive: true, force: true });
      }
      await removeTemps(cacheDir, inUseMs);
    },
  };
}

/** What a layer's file says; null when there is none, or none that we wrote. */
async function readLayerFile(path: string): Promise<z.output<typeof layerSchema> | null> {
  const text = await readFile(path, 'utf8').catch(undefinedIfMissing);
  if (text === undefined) return null;
  try {
    return layerSchema.parse(JSON.parse(text));
  } catch {
    // A power cut may have left it half-written: it is unpacked again.
    return null;
  }
}

/** Of a file, or of all files of a folder that has no folders. */
async function bytesOf(path: string): Promise<number> {
  const found = await stat(path).catch(undefinedIfMissing);
  if (found === undefined || !found.isDirectory()) return found?.size ?? 0;
  let total = 0;
  for (const name of await readdir(path)) total += (await stat(join(path, name)).catch(undefinedIfMissing))?.size ?? 0;
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
