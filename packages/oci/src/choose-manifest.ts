/** The choice of the one image in an index that can run here. */

import type { ContentStore, ImageParts } from './image-parts.ts';
import {
  type Descriptor,
  type ImageConfig,
  type Index,
  type Manifest,
  maxConfigBytes,
  maxManifestBytes,
  parseImageConfig,
  parseManifest,
} from './manifest.ts';
import { OciError } from './oci-error.ts';

/** The limit of nested indexes: a third level adds no information. */
const maxDepth = 3;

/**
 * The image for linux/amd64 that a manifest or an index leads to.
 *
 * Errors: `wrong-platform` when there is none; `invalid` for invalid documents; as `store`. `what` names the image.
 */
export async function findImage(
  store: ContentStore,
  start: { readonly digest: string; readonly bytes: Uint8Array },
  what: string,
): Promise<Omit<ImageParts, 'close'>> {
  let { digest, bytes } = start;
  for (let depth = 0; depth < maxDepth; depth++) {
    const parsed = parseManifest(bytes, what);
    if ('config' in parsed) return describe(store, digest, parsed, what);
    digest = chooseManifest(parsed.manifests, what).digest;
    bytes = await store.document(digest, maxManifestBytes, 'manifest');
  }
  throw new OciError('invalid', `${what} is an index of indexes of indexes.`);
}

async function describe(store: ContentStore, digest: string, manifest: Manifest, what: string) {
  for (const layer of manifest.layers) checkLayer(layer, what);
  const config = parseImageConfig(await store.document(manifest.config.digest, maxConfigBytes, 'blob'), what);
  checkPlatform(config, what);
  const layers = manifest.layers.map((layer) => ({
    digest: layer.digest,
    size: layer.size,
    digestOf: 'blob' as const,
    open: () => openLayer(store, layer, what),
  }));
  return { digest, config, layers };
}

/** The entry of an index for linux/amd64: the one for the oldest such processors. */
export function chooseManifest(manifests: Index['manifests'], what: string): Index['manifests'][number] {
  const [chosen] = manifests
    .filter(({ platform }) => platform !== undefined && fits(platform))
    .sort((a, b) => levelOf(a.platform?.variant) - levelOf(b.platform?.variant));
  if (chosen !== undefined) return chosen;
  const [only] = manifests;
  if (only !== undefined && manifests.length === 1 && only.platform === undefined) return only;
  const there = manifests.flatMap(({ platform }) =>
    platform === undefined || platform.os === 'unknown' ? [] : [`${platform.os}/${platform.architecture}`],
  );
  throw wrongPlatform(what, [...new Set(there)]);
}

/** Checks the platform; an image that names none is accepted. Errors: `wrong-platform`. */
export function checkPlatform({ os, architecture }: ImageConfig, what: string): void {
  const named = { os: os || 'linux', architecture: architecture || 'amd64' };
  if (!fits(named)) throw wrongPlatform(what, [`${named.os}/${named.architecture}`]);
}

/** Tools also write the names that kernels have for it. Source: containerd's `platforms.Normalize`. */
const fits = ({ os, architecture }: { readonly os: string; readonly architecture: string }) =>
  os.toLowerCase() === 'linux' && /^(?:amd64|x86[-_]64)$/i.test(architecture);

/** The level of x86-64 in a variant such as `v3`; one without runs on all. */
const levelOf = (variant = 'v1') => Number(/^v(\d)$/.exec(variant)?.[1] ?? Number.MAX_SAFE_INTEGER);

function wrongPlatform(what: string, there: readonly string[]): OciError {
  const has = there.length === 0 ? 'It has nothing that runs on Linux' : `It is for ${there.join(', ')}`;
  return new OciError('wrong-platform', `${what} has no image for linux/amd64. ${has}.`, {
    hint: 'Build it for linux/amd64: docker build --platform linux/amd64.',
    subject: what,
  });
}

/** Errors: `unsupported` for a layer that is not a file system. */
function checkLayer({ mediaType, digest }: Descriptor, what: string): void {
  if (/^application\/vnd\.(oci\.image\.layer|docker\.image\.rootfs)\..*tar([.+](gzip|zstd))?$/.test(mediaType)) return;
  throw new OciError('unsupported', `${what} has a layer of a kind that cannot be read: ${mediaType || 'unnamed'}.`, {
    hint: 'Only file systems as tar, packed with gzip or Zstandard or not at all, can be imported.',
    subject: digest,
  });
}

/** Errors: `unsupported` for a missing layer of those that may stay with their maker; as `store`. */
async function openLayer(store: ContentStore, { mediaType, digest }: Descriptor, what: string) {
  try {
    return await store.blob(digest);
  } catch (cause) {
    const isMissing = cause instanceof OciError && ['not-found', 'invalid'].includes(cause.reason);
    if (!isMissing || !/nondistributable|foreign/.test(mediaType)) throw cause;
    throw new OciError('unsupported', `${what} has a layer that is kept elsewhere: ${mediaType}.`, {
      hint: 'Its maker does not distribute it. Save the image to a file where it is complete, and import that.',
      subject: digest,
      cause,
    });
  }
}
