/** An OCI image as files and a program: what the wizard looks at, and what a build takes. */
import { stat } from 'node:fs/promises';
import type { FileTree } from '@firstlight/files';
import { createPathTree } from '@firstlight/tar';
import type { Layout } from '../../../core/store/layout.ts';
import type { Progress } from '../../../shared/contract/define.ts';
import { FirstlightError } from '../../../shared/errors.ts';
import { formatBytes } from '../../../shared/format.ts';
import { applyLayer } from './apply-layers.ts';
import { type BlobCache, createBlobCache } from './blob-cache.ts';
import { openArchive, openFolder, readHead } from './file-source.ts';
import type { ImageParts } from './image-parts.ts';
import type { ImageConfig } from './manifest.ts';
import { readLayout } from './read-layout.ts';
import { readSaved } from './read-saved.ts';
import { formatReference, type OciReference, parseReference } from './reference.ts';
import { readRegistry } from './registry.ts';
import { makeRunSpec, type RunSpec } from './run-spec.ts';

export interface OpenImageOptions {
  readonly layout: Layout;
  /** Where a relative path of the reference begins. */
  readonly cwd: string;
  /** Where a registry's credentials are looked for. */
  readonly env: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: (progress: Progress) => void;
}

export interface OpenedImage {
  readonly tree: FileTree;
  readonly config: ImageConfig;
  /** What the configuration starts. */
  readonly run: RunSpec;
  /** `sha256:…`: with it in an image's id, another image under the same tag is another id. */
  readonly digest: string;
  /** The reference with paths absolute; a registry's with the digest, so that it stays the same image. */
  readonly reference: string;
  readonly layers: number;
  /** What was left out of the tree, a sentence each. */
  readonly skipped: readonly string[];
}

/** Layers beyond this are dropped, least used first. */
const cacheMaxBytes = 8 * 1024 ** 3;

/**
 * Reads an image for linux/amd64: its layers, from the cache where they were read before, one over the other.
 *
 * Errors: BAD_INPUT for the reference or an image of another platform; NOT_FOUND; ARCHIVE_INVALID, PATH_ESCAPES, DIGEST_MISMATCH;
 * REGISTRY_UNREACHABLE, REGISTRY_DENIED; DISK_FULL, STORE_UNUSABLE; CANCELLED. Nothing half-read stays in the cache.
 */
export async function openOciImage(text: string, options: OpenImageOptions): Promise<OpenedImage> {
  const { layout, signal, progress = () => undefined } = options;
  const reference = parseReference(text, options.cwd);
  const what = formatReference(reference);
  const cache = createBlobCache(layout);
  progress({ step: 'image', message: `Reading ${what}` });
  const parts = await findParts(reference, cache, options);
  try {
    const tree = createPathTree();
    const skipped: string[] = [];
    let hasNew = false;
    for (const [index, layer] of parts.layers.entries()) {
      signal?.throwIfAborted();
      const size = layer.size === null ? '' : `, ${formatBytes(layer.size)}`;
      const message = `Layer ${index + 1} of ${parts.layers.length}${size}`;
      progress({ step: 'layers', message, fraction: index / parts.layers.length });
      const unpacked = await cache.layer(layer, what, signal);
      applyLayer(tree, unpacked);
      skipped.push(...unpacked.skipped);
      hasNew ||= unpacked.isNew;
    }
    if (hasNew) await cache.prune(cacheMaxBytes);
    const readStart = ({ content }: Parameters<Parameters<typeof makeRunSpec>[2]>[0]) =>
      content.kind === 'bytes' ? Promise.resolve(content.data) : readHead(content.path);
    return {
      tree: tree.toFileTree(),
      config: parts.config,
      run: await makeRunSpec(parts.config, tree, readStart),
      digest: parts.digest,
      reference: reference.kind === 'registry' ? formatReference(reference, parts.digest) : what,
      layers: parts.layers.length,
      skipped,
    };
  } finally {
    await parts.close();
  }
}

async function findParts(reference: OciReference, cache: BlobCache, options: OpenImageOptions): Promise<ImageParts> {
  if (reference.kind === 'registry') return readRegistry(reference, { cache, ...options });
  const { path, tag, kind } = reference;
  const isFolder = (await stat(path).catch(() => null))?.isDirectory() ?? false;
  const files = isFolder ? await openFolder(path) : await openArchive(path, options.layout, options.signal);
  try {
    const isSaved = await files.has('manifest.json');
    const isLayout = await files.has('index.json');
    // Docker of today saves both into one archive.
    if (isSaved && (kind === 'docker-archive' || !isLayout)) return await readSaved(files, tag);
    if (isLayout && kind !== 'docker-archive') return await readLayout(files, tag);
    throw new FirstlightError('ARCHIVE_INVALID', `${path} holds no image.`, {
      hint: `It should have ${kind === 'docker-archive' ? 'a manifest.json' : 'an index.json'} at its top.`,
      details: { subject: path },
    });
  } catch (thrown) {
    await files.close();
    throw thrown;
  }
}
