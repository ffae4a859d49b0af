/** Layers of images, unpacked once, by digest. Everything here can be made again. */
import { mkdir, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { type Bytes, decompress, defaultTarLimits, type Unpacked, unpackedSchema, unpackTar } from '@firstlight/tar';
import { z } from 'zod';
import type { Layout } from '../../../core/store/layout.ts';
import { readJson } from '../../../core/store/read-json.ts';
import { systemCode, toStoreError } from '../../../core/store/store-error.ts';
import {
  isTempName,
  namesIn,
  removeTemps,
  tempPathFor,
  undefinedIfMissing,
  writeAtomic,
} from '../../../core/store/write-atomic.ts';
import { FirstlightError } from '../../../shared/errors.ts';
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
   * The layer, unpacked now if it never was. Errors: DIGEST_MISMATCH, ARCHIVE_INVALID, PATH_ESCAPES, CANCELLED, DISK_FULL,
   * STORE_UNUSABLE; nothing is kept then.
   */
  readonly layer: (source: LayerSource, what: string, signal?: AbortSignal) => Promise<Layer>;
  /** A document that was kept by its digest, or null. */
  readonly document: (digest: string) => Promise<Uint8Array | null>;
  readonly keepDocument: (digest: string, bytes: Uint8Array) => Promise<void>;
  /** Drops what was not used for longest until the rest is under `maxBytes`; what was used within the hour stays. */
  readonly prune: (maxBytes: number) => Promise<void>;
}

const layerFileName = 'layer.json';
const layerSchema = z.object({ entries: unpackedSchema, skipped: z.array(z.string()) });
/** More are not told one by one. */
const maxSkipped = 100;
/** A build of another process may be reading it. */
const inUseMs = 3_600_000;

/** The cache in `layout.blobsDir`. */
export function createBlobCache(layout: Layout): BlobCache {
  const pathOf = (digest: string) => join(layout.blobsDir, digest.replace('sha256:', ''));
  const documentOf = (digest: string) => `${pathOf(digest)}.json`;
  async function load(dir: string): Promise<Layer | null> {
    const found = await readJson(join(dir, layerFileName), layerSchema);
    if (!found.ok || found.value === undefined) return null;
    await utimes(dir, new Date(), new Date()).catch(undefinedIfMissing);
    return { dir, ...found.value, isNew: false };
  }

  async function unpack(source: LayerSource, what: string, signal?: AbortSignal): Promise<Layer> {
    const dir = pathOf(source.digest);
    const known = await load(dir);
    if (known !== null) return known;
    await layout.ensure(layout.blobsDir);
    const temp = tempPathFor(dir);
    try {
      await mkdir(temp, { mode: 0o700 });
      const skipped: string[] = [];
      const onSkipped = (why: string) => {
        if (skipped.length < maxSkipped) skipped.push(why);
      };
      const entries = await unpackVerified(source, temp, { archive: what, signal, onSkipped });
      await writeAtomic(join(temp, layerFileName), JSON.stringify({ entries, skipped }), { durable: false });
      return await settle(temp, dir, { dir, entries, skipped, isNew: true });
    } catch (thrown) {
      await rm(temp, { recursive: true, force: true });
      throw thrown instanceof Error && 'syscall' in thrown ? toStoreError(thrown, 'keep the layer', dir) : thrown;
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
      await layout.ensure(layout.blobsDir);
      await writeAtomic(documentOf(digest), bytes, { durable: false });
    },

    prune: async (maxBytes) => {
      const known: { path: string; mtimeMs: number; bytes: number }[] = [];
      for (const name of await namesIn(layout.blobsDir)) {
        const path = join(layout.blobsDir, name);
        const found = isTempName(name) ? undefined : await stat(path).catch(undefinedIfMissing);
        if (found !== undefined) known.push({ path, mtimeMs: found.mtimeMs, bytes: await bytesOf(path) });
      }
      known.sort((a, b) => b.mtimeMs - a.mtimeMs);
      let total = 0;
      for (const { path, mtimeMs, bytes } of known) {
        total += bytes;
        if (total > maxBytes && Date.now() - mtimeMs > inUseMs) await rm(path, { recursive: true, force: true });
      }
      await removeTemps(layout.blobsDir, inUseMs);
    },
  };
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

/** Unpacks a layer while its digest is taken. Errors: DIGEST_MISMATCH before any other fault of the bytes: it is their cause. */
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
    if (thrown instanceof FirstlightError && thrown.code === 'ARCHIVE_INVALID') await verifier.finish();
    throw thrown;
  } finally {
    await verifier.close();
  }
}
