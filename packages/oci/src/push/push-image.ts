import type { OciReference } from '../reference.ts';
import type { ComposedImage } from '../write/compose.ts';
import { type BlobOutcome, pushBlob, refused } from './push-blob.ts';
import { openRepository, type RegistryAccess } from './session.ts';

export interface PushOptions extends RegistryAccess {
  /** Repositories of the same registry from which blobs can be mounted without an upload. Shape: by the blobs' digests. */
  readonly mountFrom?: Readonly<Record<string, string>> | undefined;
  /** Larger blobs go in pieces of this size. Default: 4 MiB. Units: bytes. */
  readonly chunkBytes?: number | undefined;
  readonly onProgress?: ((progress: PushProgress) => void) | undefined;
}

/** Units: bytes, only of blobs that must be sent. */
export interface PushProgress {
  readonly sentBytes: number;
  readonly totalBytes: number;
}

/** The result of a push. Units: `sentBytes` counts the blobs and the manifest sent over the network. */
export interface Pushed {
  /** The image by its digest, as a cluster pulls it. */
  readonly reference: string;
  readonly digest: string;
  readonly sentBytes: number;
  readonly blobs: readonly { readonly digest: string; readonly size: number; readonly outcome: BlobOutcome }[];
}

/**
 * Pushes an image to a registry, blobs first, and tags it.
 *
 * Errors: `registry-unreachable`, `registry-denied`, `registry-refused`; the signal's reason.
 */
export async function pushImage(
  { host, name, reference: tag }: Extract<OciReference, { kind: 'registry' }>,
  image: ComposedImage,
  options: PushOptions,
): Promise<Pushed> {
  const { mountFrom = {}, onProgress, signal, chunkBytes } = options;
  const sources = [...image.layers, image.config];
  const repositories = new Set(sources.map(({ digest }) => mountFrom[digest]).filter((from) => from !== undefined));
  const session = await openRepository(host, name, options, [...repositories]);
  const blobs = [];
  const totalBytes = sources.reduce((sum, { size }) => sum + size, 0);
  let sentBytes = 0;
  let passedBytes = 0;
  for (const source of sources) {
    const onSent = (bytes: number) => onProgress?.({ sentBytes: passedBytes + bytes, totalBytes });
    const outcome = await pushBlob(session, source, {
      mountFrom: mountFrom[source.digest],
      onSent,
      signal,
      chunkBytes,
    });
    passedBytes += source.size;
    if (outcome === 'uploaded') sentBytes += source.size;
    onSent(0);
    blobs.push({ digest: source.digest, size: source.size, outcome });
  }
  const { bytes, mediaType, digest } = image.manifest;
  const body = { kind: 'bytes', bytes } as const;
  const path = `/v2/${name}/manifests/${tag}`;
  const answer = await session.ask({ method: 'PUT', path, headers: { 'content-type': mediaType }, body });
  if (answer.status !== 201) throw refused(session, answer);
  return { reference: `${host}/${name}@${digest}`, digest, sentBytes: sentBytes + bytes.length, blobs };
}
