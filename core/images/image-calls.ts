import { isAbsolute } from 'node:path';
import type { Volume } from '@firstlight/tfs';
import { readFileBytes } from '@firstlight/tfs';
import type { CallHandlers, StreamHandlers } from '#shared/contract/index.ts';
import { FirstlightError } from '#shared/errors.ts';
import type { ImageText, StoredImage } from '#shared/model/image-tree.ts';
import type { Project } from '#shared/model/project.ts';
import { bytes, type ImageId, type InstanceId } from '#shared/model/units.ts';
import type { ImageStore } from './image-store.ts';
import { describeImage } from './inspect/describe-image.ts';
import { diffImages } from './inspect/diff-images.ts';
import { extract } from './inspect/extract.ts';
import { findFile } from './inspect/find-node.ts';
import { listTree } from './inspect/list-tree.ts';
import { withImage } from './inspect/open-image.ts';

type ImageCallName = Extract<keyof CallHandlers, `images:${string}`>;
type ImageStreamName = Extract<keyof StreamHandlers, `images:${string}`>;

export interface ImageCallsOptions {
  readonly images: Pick<ImageStore, 'list' | 'locate' | 'remove' | 'pruneImages'>;
  /** The instances that run, by the image each runs from. */
  readonly listInUse: () => ReadonlyMap<ImageId, InstanceId>;
  readonly listProjects: () => Promise<readonly Project[]>;
}

type Ref = { readonly imageId: ImageId } | { readonly path: string };

/** The calls `images:*`. */
export function imageCalls({ images, listInUse, listProjects }: ImageCallsOptions): Pick<CallHandlers, ImageCallName> {
  const pathOf = createLocator(images);

  async function listStored(): Promise<StoredImage[]> {
    const [stored, projects] = await Promise.all([images.list(), listProjects()]);
    return stored.map(({ manifest, path, projectIds }) => ({
      id: manifest.id,
      runtime: manifest.runtime,
      functionName: projects.find(({ id }) => projectIds.includes(id))?.name ?? null,
      bytes: manifest.bytes,
      createdAt: manifest.createdAt,
      path,
    }));
  }

  return {
    'images:list': listStored,
    'images:remove': async ({ imageId }) => {
      const user = listInUse().get(imageId);
      if (user !== undefined) {
        throw new FirstlightError('CONFLICT', `The instance ${user} runs from the image ${imageId}.`, {
          hint: 'Stop the instance first.',
        });
      }
      await images.remove(imageId);
      return null;
    },
    'images:prune': async () => ({ freedBytes: bytes(await images.pruneImages(0, new Set(listInUse().keys()))) }),
    'images:info': async ({ image, partition }) =>
      withImage(await pathOf(image), (open) => describeImage(open, partition)),
    'images:tree': async ({ image, partition, path, maxEntries }) =>
      withImage(await pathOf(image), async (open) =>
        listTree(await open.volume(partition), partition, path, maxEntries),
      ),
    'images:text': async ({ image, partition, path, maxBytes }) =>
      withImage(await pathOf(image), async (open) => readText(await open.volume(partition), path, maxBytes)),
    'images:extract': async ({ image, partition, path, to }, { signal, progress }) =>
      withImage(await pathOf(image), async (open) => {
        const volume = await open.volume(partition);
        const onProgress = (fraction: number) => progress({ step: 'extract', message: `Writing ${to}`, fraction });
        const counts = await extract(volume, path, absolute(to), { signal, onProgress });
        return { to, ...counts, bytes: bytes(counts.bytes) };
      }),
    'images:diff': async ({ image, other, partition }, { signal }) =>
      withImage(await pathOf(image), async (before) =>
        withImage(await pathOf(other), async (after) =>
          diffImages(await before.volume(partition), await after.volume(partition), signal),
        ),
      ),
  };
}

/** The streams `images:*`. */
export function imageStreams({ images }: Pick<ImageCallsOptions, 'images'>): Pick<StreamHandlers, ImageStreamName> {
  const pathOf = createLocator(images);
  return {
    'images:bytes': async ({ image, partition, path }, stream) =>
      withImage(await pathOf(image), async (open) => {
        const volume = await open.volume(partition);
        for await (const chunk of readFileBytes(volume.disk, findFile(volume, path).data)) {
          if (stream.signal.aborted) return;
          await stream.write(chunk);
        }
      }),
  };
}

const createLocator =
  (images: ImageCallsOptions['images']) =>
  async (ref: Ref): Promise<string> =>
    'imageId' in ref ? images.locate(ref.imageId) : absolute(ref.path);

function absolute(path: string): string {
  if (isAbsolute(path)) return path;
  throw new FirstlightError('BAD_INPUT', `${path} is not an absolute path.`);
}

async function readText(volume: Volume, path: string, maxBytes: number): Promise<ImageText> {
  const file = findFile(volume, path);
  const chunks: Uint8Array[] = [];
  for await (const chunk of readFileBytes(volume.disk, file.data, maxBytes)) chunks.push(chunk);
  const data = Buffer.concat(chunks);
  const truncated = file.data.bytes > data.length;
  const text = asText(data, truncated);
  return {
    path: file.path,
    bytes: bytes(file.data.bytes),
    text,
    base64: text === null ? data.toString('base64') : null,
    truncated,
  };
}

/** UTF-8 without zero bytes; a character that was cut in two at the end is left out. Null for anything else. */
function asText(data: Uint8Array, truncated: boolean): string | null {
  if (data.includes(0)) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data, { stream: truncated });
  } catch {
    return null;
  }
}
