/** An OCI image as a file tree and its configuration. */
import { stat } from 'node:fs/promises';
import { createPathTree, type PathTree } from '@firstlight/tar';
import { applyLayer } from './apply-layers.ts';
import type { BlobCache } from './blob-cache.ts';
import { openArchive, openFolder } from './file-source.ts';
import type { ImageParts } from './image-parts.ts';
import type { ImageConfig } from './manifest.ts';
import { OciError } from './oci-error.ts';
import { readLayout } from './read-layout.ts';
import { readSaved } from './read-saved.ts';
import { formatReference, type OciReference, parseReference } from './reference.ts';
import { type RegistryOptions, readRegistry } from './registry.ts';
import type { AllowedTokenService } from './registry-auth.ts';

/** The next layer to read. Units: `bytes` packed; null where the size is unknown. */
export interface LayerProgress {
  /** The layer's number, from 0. */
  readonly index: number;
  readonly layers: number;
  readonly bytes: number | null;
}

export interface OpenImageOptions {
  /** Keeps layers unpacked: see `createBlobCache`. */
  readonly cache: BlobCache;
  /** The base of a relative path in the reference. Default: the process's own. */
  readonly cwd?: string;
  /** The environment for a registry's credentials. Default: the process's own. */
  readonly env?: NodeJS.ProcessEnv;
  /** The token services that a person has allowed. Default: none but a registry's own. */
  readonly tokenService?: AllowedTokenService;
  readonly signal?: AbortSignal | undefined;
  readonly onLayer?: (progress: LayerProgress) => void;
}

export interface OpenedImage {
  /** Its files. Shape: contents are in the cache, under our names. */
  readonly files: PathTree;
  readonly config: ImageConfig;
  /** `sha256:…` of its manifest, or of its configuration where there is no manifest. */
  readonly digest: string;
  /** The reference with absolute paths; a registry's with the digest, so that it names the same image later. */
  readonly reference: string;
  readonly layers: number;
  /** The nodes left out of the tree, a sentence each. */
  readonly skipped: readonly string[];
  /** True when at least one layer was not in the cache. */
  readonly hasNewLayers: boolean;
}

/**
 * Reads an image for linux/amd64: its layers, one over the other, from the cache where it has them.
 *
 * Errors: `OciError`; `TarError` for its layers; `FilesError` for paths in them, and for failed reads and writes; the
 * signal's reason. No partly read layer stays in the cache.
 */
export async function openImage(text: string, options: OpenImageOptions): Promise<OpenedImage> {
  const { cache, cwd = process.cwd(), env = process.env, tokenService, signal, onLayer } = options;
  const reference = parseReference(text, cwd);
  const what = formatReference(reference);
  const parts = await findParts(reference, { cache, env, tokenService, signal });
  try {
    const files = createPathTree({ upward: 'stay' });
    const skipped: string[] = [];
    let hasNewLayers = false;
    for (const [index, layer] of parts.layers.entries()) {
      signal?.throwIfAborted();
      onLayer?.({ index, layers: parts.layers.length, bytes: layer.size });
      const unpacked = await cache.layer(layer, what, signal);
      applyLayer(files, unpacked);
      skipped.push(...unpacked.skipped);
      hasNewLayers ||= unpacked.isNew;
    }
    return {
      files,
      config: parts.config,
      digest: parts.digest,
      reference: reference.kind === 'registry' ? formatReference(reference, parts.digest) : what,
      layers: parts.layers.length,
      skipped,
      hasNewLayers,
    };
  } finally {
    await parts.close();
  }
}

async function findParts(reference: OciReference, means: RegistryOptions): Promise<ImageParts> {
  if (reference.kind === 'registry') return readRegistry(reference, means);
  const { path, tag, kind } = reference;
  const isFolder = (await stat(path).catch(() => null))?.isDirectory() ?? false;
  const files = isFolder ? await openFolder(path) : await openArchive(path, means.cache, means.signal);
  try {
    const isSaved = await files.has('manifest.json');
    const isLayout = await files.has('index.json');
    // Docker of today saves both into one archive.
    if (isSaved && (kind === 'docker-archive' || !isLayout)) return await readSaved(files, tag);
    if (isLayout && kind !== 'docker-archive') return await readLayout(files, tag);
    throw new OciError('invalid', `${path} holds no image.`, {
      hint: `It should have ${kind === 'docker-archive' ? 'a manifest.json' : 'an index.json'} at its top.`,
      subject: path,
    });
  } catch (thrown) {
    await files.close();
    throw thrown;
  }
}
