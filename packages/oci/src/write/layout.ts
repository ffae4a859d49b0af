import { copyFile, link, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile, systemCode, undefinedIfMissing, writeFailed } from '@firstlight/files';
import { z } from 'zod';
import { blobPath, mediaTypes } from './blob.ts';
import type { ComposedImage } from './compose.ts';

/** The required fields of an image in a layout's index. */
const entrySchema = z.looseObject({ annotations: z.record(z.string(), z.string()).optional() });
const indexSchema = z.looseObject({ manifests: z.array(entrySchema) });
const tagName = 'org.opencontainers.image.ref.name';

/**
 * Adds an image to an OCI layout in `dir`, which is made if it does not exist. An image that had the tag loses it.
 *
 * Errors: `write-failed`.
 */
export async function addToLayout(dir: string, image: ComposedImage, tag: string): Promise<void> {
  const blobs = join(dir, 'blobs');
  try {
    await mkdir(join(blobs, 'sha256'), { recursive: true });
    for (const { path, digest } of image.layers) await linkOrCopy(path, blobPath(blobs, digest));
    for (const { bytes, digest } of [image.config, image.manifest])
      await replaceFile(blobPath(blobs, digest), bytes, { mode: 0o644, durable: false });
    await replaceFile(join(dir, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}', { mode: 0o644, durable: false });
    const { mediaType, digest, size } = image.manifest;
    const entry = {
      ...{ mediaType, digest, size },
      platform: { os: 'linux', architecture: 'amd64' },
      annotations: { [tagName]: tag },
    };
    const kept = (await readEntries(dir)).filter(({ annotations }) => annotations?.[tagName] !== tag);
    const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests: [...kept, entry] };
    await replaceFile(join(dir, 'index.json'), JSON.stringify(index), { mode: 0o644, durable: false });
  } catch (thrown) {
    throw writeFailed(thrown, dir, 'write an image into');
  }
}

async function readEntries(dir: string): Promise<z.output<typeof entrySchema>[]> {
  const text = await readFile(join(dir, 'index.json'), 'utf8').catch(undefinedIfMissing);
  return text === undefined ? [] : indexSchema.parse(JSON.parse(text)).manifests;
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (thrown) {
    if (systemCode(thrown) === 'EEXIST') return;
    // A different file system, or one without links.
    await copyFile(from, to);
  }
}
