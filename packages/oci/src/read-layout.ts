/** Images in the OCI layout: an index.json and blobs by digest, in a folder or an archive. */

import { chooseManifest, findImage } from './choose-manifest.ts';
import type { FileSource } from './file-source.ts';
import type { ContentStore, ImageParts } from './image-parts.ts';
import { type Index, maxManifestBytes, parseManifest } from './manifest.ts';
import { OciError } from './oci-error.ts';
import { readAll, verifyBytes } from './verify.ts';

/** The annotation in which tools write the name of an image. */
const nameAnnotations = ['org.opencontainers.image.ref.name', 'io.containerd.image.name'];

/**
 * The image of a layout that a tag names, or the only one.
 *
 * Errors: `not-found` for the tag; `ambiguous` when there are several and no tag; as `findImage`.
 */
export async function readLayout(files: FileSource, tag: string | null): Promise<ImageParts> {
  const store: ContentStore = {
    document: async (digest, maxBytes) => {
      const path = blobPath(digest);
      return verifyBytes(await readAll(await files.open(path), maxBytes, files.name), digest, `${files.name}: ${path}`);
    },
    blob: (digest) => files.open(blobPath(digest)),
  };
  const index = parseManifest(await readAll(await files.open('index.json'), maxManifestBytes, files.name), files.name);
  if ('config' in index) throw new OciError('invalid', `${files.name}: index.json is not an index.`);
  const { digest } = choose(index, tag, files.name);
  const bytes = await store.document(digest, maxManifestBytes, 'manifest');
  return { ...(await findImage(store, { digest, bytes }, files.name)), close: files.close };
}

const blobPath = (digest: string) => `blobs/${digest.replace(':', '/')}`;

function choose(index: Index, tag: string | null, what: string): Index['manifests'][number] {
  const nameOf = ({ annotations }: Index['manifests'][number]) =>
    nameAnnotations.map((key) => annotations?.[key]).find((name) => name !== undefined);
  const names = [...new Set(index.manifests.map(nameOf).filter((name) => name !== undefined))];
  if (tag === null) {
    const [only] = index.manifests;
    if (only !== undefined && index.manifests.length === 1) return only;
    if (names.length <= 1) return chooseManifest(index.manifests, what);
    throw new OciError('ambiguous', `${what} holds several images.`, {
      hint: `Name one after a colon: ${names.slice(0, 20).join(', ')}.`,
    });
  }
  const isMeant = (entry: Index['manifests'][number]) => {
    const name = nameOf(entry);
    return name === tag || name?.endsWith(`:${tag}`) || entry.digest === tag;
  };
  const found = index.manifests.filter(isMeant);
  const [first] = found;
  if (first !== undefined) return found.length === 1 ? first : chooseManifest(found, what);
  throw new OciError('not-found', `${what} holds no image "${tag}".`, {
    hint:
      names.length > 0 ? `It holds: ${names.slice(0, 20).join(', ')}.` : 'Its images have no names: leave the tag out.',
  });
}
