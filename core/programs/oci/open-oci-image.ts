/** An OCI image as files and a program: the input of the wizard and of a build. */
import type { FileTree } from '@firstlight/files';
import {
  type BlobCache,
  createBlobCache,
  formatReference,
  type ImageConfig,
  openImage,
  parseReference,
  readHead,
} from '@firstlight/oci';
import { withFormatErrors } from '#core/store/from-format-error.ts';
import type { Layout } from '#core/store/layout.ts';
import { allowedTokenService } from '#core/store/token-services.ts';
import type { Progress } from '#shared/contract/define.ts';
import { formatBytes } from '#shared/format.ts';
import type { ReadStart } from './resolve-command.ts';
import { makeRunSpec, type RunSpec } from './run-spec.ts';

export interface OpenOciImageOptions {
  readonly layout: Layout;
  /** The folder where a relative path of the reference begins. */
  readonly cwd: string;
  /** The environment in which a registry's credentials are looked up. */
  readonly env: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: (progress: Progress) => void;
}

export interface OpenedOciImage {
  readonly tree: FileTree;
  readonly config: ImageConfig;
  /** The program that the configuration starts. */
  readonly run: RunSpec;
  /** `sha256:…`: with it in an image's id, another image under the same tag is another id. */
  readonly digest: string;
  /** The reference with paths absolute; a registry's with the digest, so that it stays the same image. */
  readonly reference: string;
  readonly layers: number;
  /** A sentence for each entry that was left out of the tree. */
  readonly skipped: readonly string[];
}

const headBytes = 64 * 1024;
/** Layers beyond this are dropped, least used first. */
const cacheMaxBytes = 8 * 1024 ** 3;

/** The layers of all images that were read, in the store. */
export const openLayerCache = (layout: Layout): BlobCache =>
  createBlobCache({ dir: layout.blobsDir, prepare: () => layout.ensure(layout.blobsDir) });

/**
 * Reads an image for linux/amd64, and finds the program that it starts.
 *
 * Errors: BAD_INPUT for the reference or an image of another platform; NOT_FOUND; ARCHIVE_INVALID, PATH_ESCAPES,
 * DIGEST_MISMATCH; REGISTRY_UNREACHABLE, REGISTRY_DENIED; DISK_FULL, STORE_UNUSABLE; CANCELLED. Nothing half-read stays
 * in the cache.
 */
export function openOciImage(text: string, options: OpenOciImageOptions): Promise<OpenedOciImage> {
  const { layout, cwd, env, signal, progress = () => undefined } = options;
  return withFormatErrors(async () => {
    const cache = openLayerCache(layout);
    progress({ step: 'image', message: `Reading ${formatReference(parseReference(text, cwd))}` });
    const { files, hasNewLayers, config, digest, reference, layers, skipped } = await openImage(text, {
      cache,
      cwd,
      env,
      tokenService: allowedTokenService(layout),
      signal,
      onLayer: ({ index, layers: count, bytes }) => {
        const size = bytes === null ? '' : `, ${formatBytes(bytes)}`;
        progress({ step: 'layers', message: `Layer ${index + 1} of ${count}${size}`, fraction: index / count });
      },
    });
    if (hasNewLayers) await cache.prune(cacheMaxBytes);
    const readStart: ReadStart = async ({ content }) =>
      content.kind === 'bytes' ? content.data : readHead(content.path, headBytes);
    const run = await makeRunSpec(config, files, readStart);
    // Through the image's own links, as a container's runtime makes them.
    for (const folder of run.volumes) if (files.lookUp(folder) === undefined) files.add(folder, { kind: 'directory' });
    return { tree: files.toFileTree(), config, run, digest, reference, layers, skipped };
  });
}
