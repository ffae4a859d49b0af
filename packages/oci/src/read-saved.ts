/** Images as `docker save` writes them: a manifest.json that names the configuration and the layers by path. */

import { checkPlatform } from './choose-manifest.ts';
import type { FileSource } from './file-source.ts';
import type { ImageParts } from './image-parts.ts';
import { maxConfigBytes, maxManifestBytes, parseImageConfig, parseSavedImages, type SavedImages } from './manifest.ts';
import { OciError } from './oci-error.ts';
import { digestOf, readAll } from './verify.ts';

/**
 * The image of a saved archive that a tag names, or the only one.
 *
 * Errors: `not-found` for the tag; `ambiguous` when there are several and no tag; `wrong-platform`; `invalid`.
 */
export async function readSaved(files: FileSource, tag: string | null): Promise<ImageParts> {
  const { name } = files;
  const all = parseSavedImages(await readAll(await files.open('manifest.json'), maxManifestBytes, name), name);
  const { Config, Layers } = choose(all, tag, name);
  const bytes = await readAll(await files.open(Config), maxConfigBytes, name);
  const config = parseImageConfig(bytes, name);
  checkPlatform(config, name);
  const contents = config.rootfs?.diff_ids ?? [];
  if (contents.length !== Layers.length) {
    throw new OciError('invalid', `${name} has ${Layers.length} layers, not ${contents.length} as it says.`, {
      hint: 'Save the image again.',
    });
  }
  const layers = contents.map((digest, index) => ({
    digest,
    digestOf: 'content' as const,
    size: null,
    open: () => files.open(Layers[index] as string),
  }));
  return { digest: digestOf(bytes), config, layers, close: files.close };
}

function choose(all: SavedImages, tag: string | null, what: string): SavedImages[number] {
  const names = all.flatMap(({ RepoTags }) => RepoTags ?? []);
  const [only] = all;
  if (tag === null && only !== undefined && all.length === 1) return only;
  const found = all.find(({ RepoTags }) =>
    RepoTags?.some((name) => tag !== null && (name === tag || name.endsWith(`/${tag}`) || name === `${tag}:latest`)),
  );
  if (found !== undefined) return found;
  const holds = names.length > 0 ? `It holds: ${names.slice(0, 20).join(', ')}.` : undefined;
  if (tag !== null) throw new OciError('not-found', `${what} holds no image "${tag}".`, { hint: holds });
  throw new OciError('ambiguous', `${what} holds ${all.length} images.`, {
    hint: `Name one after a colon. ${holds}`,
  });
}
